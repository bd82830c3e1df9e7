"""Debian's libraries under the labels of their upstream Bazel builds.

Headers live in /usr/include, which the compiler searches anyway and which Bazel
treats as built in. A library is therefore no more than its linker options, and
a target that names its upstream label builds alike against Debian's binary
or against the upstream sources put in its place.
"""

def _require_header(ctx, header):
    if not ctx.path("/usr/include/" + header).exists:
        fail("/usr/include/%s is missing: run tools/setup.sh" % header)

def _system_library_impl(ctx):
    _require_header(ctx, ctx.attr.header)
    ctx.symlink(ctx.attr.build_file, "BUILD.bazel")

system_library = repository_rule(
    implementation = _system_library_impl,
    attrs = {
        "build_file": attr.label(mandatory = True),
        "header": attr.string(mandatory = True),
    },
    doc = "One Debian library; `header` is looked for so that a missing package is named at once.",
    local = True,
)

# Package of @com_google_absl -> its public targets, as upstream names them.
_ABSEIL_TARGETS = {
    "algorithm": ["algorithm", "container"],
    "base": ["base", "config", "core_headers", "dynamic_annotations", "endian", "log_severity", "prefetch"],
    "cleanup": ["cleanup"],
    "container": [
        "btree",
        "fixed_array",
        "flat_hash_map",
        "flat_hash_set",
        "inlined_vector",
        "node_hash_map",
        "node_hash_set",
    ],
    "debugging": ["debugging", "failure_signal_handler", "leak_check", "stacktrace", "symbolize"],
    "flags": ["config", "flag", "marshalling", "parse", "reflection", "usage"],
    "functional": ["any_invocable", "bind_front", "function_ref"],
    "hash": ["hash", "hash_testing"],
    "memory": ["memory"],
    "meta": ["type_traits"],
    "numeric": ["bits", "int128"],
    "random": ["bit_gen_ref", "distributions", "random", "seed_gen_exception", "seed_sequences"],
    "status": ["status", "statusor"],
    "strings": ["cord", "str_format", "strings"],
    "synchronization": ["synchronization"],
    "time": ["time"],
    "types": ["any", "compare", "optional", "span", "variant"],
    "utility": ["utility"],
}

_ABSEIL_PACKAGE = """
package(default_visibility = ["//visibility:public"])

[cc_library(name = name, deps = {deps}) for name in {names}]
"""

# Abseil's static archives, linked as one group because they refer to each other in both
# directions; the linker takes only the members a binary uses. Static rather than
# shared: Mutex::Lock and hashing are on every command's path and need no PLT.
_ABSEIL_ROOT = """
cc_library(
    name = "archives",
    linkopts = ["-Wl,--start-group"] + {archives} + ["-Wl,--end-group", "-pthread"],
    visibility = ["//absl:__subpackages__"],
)

cc_library(
    name = "mutex_mode",
    srcs = ["mutex_mode.cc"],
    visibility = ["//absl:__subpackages__"],
    deps = [":archives"],
    alwayslink = True,
)
"""

# Debian builds Abseil without NDEBUG, so its Mutex looks for lock order cycles in every binary: 140 ns
# where a Lock takes 29, and 90 ms where the locks of all 16384 slots take 0.2. A source build would follow our
# own compilation mode; this makes the archives do so too: checked by default, not with -c opt.
_ABSEIL_MUTEX_MODE = """
#include "absl/synchronization/mutex.h"

#ifdef NDEBUG
[[maybe_unused]] static const bool kSet =
    (absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore), true);
#endif
"""

# Test support that would pull gtest into every link.
_NOT_LINKED = ["libabsl_random_internal_distribution_test_util.a", "libabsl_scoped_set_env.a"]

def _system_abseil_impl(ctx):
    _require_header(ctx, "absl/base/config.h")
    directory = ctx.execute(["sh", "-c", "ls -d /usr/lib/*/libabsl_base.a"]).stdout.strip()
    if not directory:
        fail("libabsl_base.a is missing: run tools/setup.sh")
    archives = [
        "-l:" + path.basename
        for path in ctx.path(directory).dirname.readdir()
        if path.basename.startswith("libabsl_") and path.basename.endswith(".a") and
           path.basename not in _NOT_LINKED
    ]
    ctx.file("BUILD.bazel", _ABSEIL_ROOT.format(archives = sorted(archives)))
    ctx.file("mutex_mode.cc", _ABSEIL_MUTEX_MODE)
    for package, names in _ABSEIL_TARGETS.items():
        deps = ["//:archives"] + (["//:mutex_mode"] if package == "synchronization" else [])
        ctx.file("absl/%s/BUILD.bazel" % package, _ABSEIL_PACKAGE.format(deps = deps, names = names))

system_abseil = repository_rule(
    implementation = _system_abseil_impl,
    doc = "libabsl-dev as @com_google_absl.",
    local = True,
)
