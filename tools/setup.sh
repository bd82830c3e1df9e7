#!/bin/bash
# Makes a Debian 12 machine able to build, test and run Holdfast. Run it as root or as a user
# who may use sudo; run it again at will: it looks first and does only what is missing.
#
# What it leaves: Debian packages, and Abseil's source package unpacked under
# /opt/holdfast/abseil, from which --config=tsan builds. No service is started.
set -euo pipefail

readonly PACKAGES=(
  # The build: Bazel 4.2.3 with its rules, both compilers, the formatter.
  bazel-bootstrap bazel-skylib bazel-rules-java bazel-rules-proto bazel-platforms
  g++ clang libclang-rt-14-dev clang-format git ca-certificates dpkg-dev
  # Libraries.
  libabsl-dev libgoogle-glog-dev libgflags-dev libgtest-dev libgmock-dev libbenchmark-dev
  libjemalloc-dev libssl-dev liblua5.1-0-dev liblzf-dev
  # Real peers and tools for the tests.
  redis-server redis-tools tcl iproute2
)
readonly PREFIX=/opt/holdfast
readonly ABSEIL=$PREFIX/abseil

as_root() {
  if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo "$@"; fi
}

say() { echo "setup: $*" >&2; }

# The names among the arguments that are not installed, one a line.
missing_packages() {
  comm -23 <(printf '%s\n' "$@" | sort) \
    <(dpkg-query --show --showformat='${db:Status-Status} ${Package}\n' "$@" 2>/dev/null |
      sed -n 's/^installed //p' | sort -u)
}

# apt-get, unable to ask a question and, by a policy-rc.d while it runs, to start a service.
install_packages() {
  local policy=/usr/sbin/policy-rc.d
  if [ ! -e "$policy" ]; then
    # shellcheck disable=SC2064  # $policy is to be read now.
    trap "as_root rm -f '$policy'" EXIT
    printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null
    as_root chmod 755 "$policy"
  fi
  local log
  log=$(mktemp)
  # An index that another repository of this machine cannot refresh is no reason to stop.
  as_root apt-get -qq update </dev/null >"$log" 2>&1 || cat "$log" >&2
  as_root env DEBIAN_FRONTEND=noninteractive \
    apt-get -qq -y --no-install-recommends install "$@" </dev/null >"$log" 2>&1 || {
    cat "$log" >&2
    return 1
  }
  rm -f "$log"
}

# "deb-src URI suite component" for each of the machine's own Debian sources.
debian_source_lines() {
  # shellcheck disable=SC2016  # apt expands these.
  apt-get indextargets --format '$(CREATED_BY)|$(ORIGIN)|deb-src $(REPO_URI) $(RELEASE) $(COMPONENT)' |
    sed -n 's/^Packages|Debian|//p' | sort -u
}

# The sources of the installed libabsl-dev, same version, into $ABSEIL. The machine's own apt
# configuration, which need not have deb-src, stays as it is.
unpack_abseil() {
  local version=$1 work
  work=$(mktemp -d)
  # shellcheck disable=SC2064  # $work is to be read now.
  trap "rm -rf '$work'" RETURN
  mkdir -p "$work/lists/partial" "$work/cache"
  debian_source_lines >"$work/sources.list"
  if [ ! -s "$work/sources.list" ]; then
    # No index fetched yet on this machine: the origin of a source is not known before that.
    as_root apt-get update -qq
    debian_source_lines >"$work/sources.list"
  fi
  local apt=(
    apt-get -qq
    -o "Dir::Etc::sourcelist=$work/sources.list" -o Dir::Etc::sourceparts=/dev/null
    -o "Dir::State::lists=$work/lists" -o "Dir::Cache=$work/cache"
    -o APT::Sandbox::User=
  )
  "${apt[@]}" update
  (cd "$work" && "${apt[@]}" source "abseil=$version" >apt.log 2>&1) || {
    cat "$work/apt.log" >&2
    return 1
  }
  local unpacked=("$work"/abseil-*/)
  echo "$version" >"${unpacked[0]}/.holdfast-version"
  chmod -R u=rwX,go=rX "${unpacked[0]}"
  as_root mkdir -p "$PREFIX"
  as_root rm -rf "$ABSEIL" "$ABSEIL.new"
  as_root cp -r "${unpacked[0]}" "$ABSEIL.new"
  as_root mv "$ABSEIL.new" "$ABSEIL"
}

main() {
  local missing
  mapfile -t missing < <(missing_packages "${PACKAGES[@]}")
  if [ "${#missing[@]}" -gt 0 ]; then
    say "installing ${missing[*]}"
    install_packages "${missing[@]}"
  fi

  local version
  version=$(dpkg-query --show --showformat='${source:Version}' libabsl-dev)
  if [ "$(cat "$ABSEIL/.holdfast-version" 2>/dev/null)" != "$version" ]; then
    say "fetching the sources of Abseil $version for --config=tsan"
    unpack_abseil "$version"
  fi
}

main "$@"
