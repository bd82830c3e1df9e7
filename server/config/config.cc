#include "server/config/config.h"

#include <algorithm>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "glog/logging.h"
#include "server/config/loader.h"

namespace holdfast::server {

using config::Directive;
using config::GetDirective;
using config::Value;

namespace {

int64_t ToInt(absl::string_view canonical) {
  int64_t value = 0;
  CHECK(absl::SimpleAtoi(canonical, &value)) << canonical;
  return value;
}

}  // namespace

Config::Config() { Publish(config::DefaultValues()); }

absl::Duration Config::Duration(ConfigId id) const {
  const absl::string_view unit = GetDirective(id).unit;
  if (unit == "s") return absl::Seconds(Int(id));
  if (unit == "ms") return absl::Milliseconds(Int(id));
  if (unit == "us") return absl::Microseconds(Int(id));
  if (unit == "min") return absl::Minutes(Int(id));
  LOG(FATAL) << GetDirective(id).name << " is not a duration";
}

OutputBufferLimit Config::BufferLimit(ClientClass client_class) const {
  const auto& limit = limits_[static_cast<size_t>(client_class)];
  return {limit[0].load(std::memory_order_relaxed),
          limit[1].load(std::memory_order_relaxed),
          absl::Seconds(limit[2].load(std::memory_order_relaxed))};
}

std::string Config::String(ConfigId id) const {
  absl::MutexLock lock(&mu_);
  return config::FormatValue(GetDirective(id), set_.at(id));
}

std::vector<std::string> Config::List(ConfigId id) const {
  absl::MutexLock lock(&mu_);
  return set_.at(id).words;
}

std::vector<std::vector<std::string>> Config::Lines(ConfigId id) const {
  absl::MutexLock lock(&mu_);
  return set_.lines[static_cast<size_t>(id)];
}

std::vector<SavePoint> Config::SavePoints() const {
  const std::vector<std::string> words = List(ConfigId::kSave);
  std::vector<SavePoint> points;
  for (size_t i = 0; i + 1 < words.size(); i += 2) {
    points.push_back({absl::Seconds(ToInt(words[i])), ToInt(words[i + 1])});
  }
  return points;
}

std::optional<PrimaryAddress> Config::ReplicaOf() const {
  const std::vector<std::string> words = List(ConfigId::kReplicaOf);
  if (words.size() != 2) return std::nullopt;
  return PrimaryAddress{words[0], static_cast<int>(ToInt(words[1]))};
}

std::string Config::ResolvePath(absl::string_view path) const {
  absl::MutexLock lock(&mu_);
  return config::JoinPath(set_.at(ConfigId::kDir).text(), path);
}

absl::Duration Config::EffectiveReplTimeout(bool peer_is_holdfast) const {
  return peer_is_holdfast && !IsExplicit(ConfigId::kReplTimeout)
             ? Duration(ConfigId::kReplPeerTimeoutMs)
             : Duration(ConfigId::kReplTimeout);
}

absl::Duration Config::ShortestReplTimeout() const {
  return std::min(EffectiveReplTimeout(true), EffectiveReplTimeout(false));
}

absl::Duration Config::EffectivePingPeriod() const {
  const absl::Duration period = Duration(ConfigId::kReplPingReplicaPeriod);
  if (IsExplicit(ConfigId::kReplPingReplicaPeriod) &&
      IsExplicit(ConfigId::kReplTimeout)) {
    return period;
  }
  return std::min(period, ShortestReplTimeout() / 2);
}

absl::Duration Config::EffectiveAckInterval() const {
  const absl::Duration interval = Duration(ConfigId::kReplAckIntervalMs);
  if (IsExplicit(ConfigId::kReplAckIntervalMs) &&
      IsExplicit(ConfigId::kReplTimeout)) {
    return interval;
  }
  return std::min(interval, ShortestReplTimeout() / 3);
}

KeepaliveSettings Config::ClientKeepalive() const {
  if (!IsExplicit(ConfigId::kTcpKeepalive)) {
    return {true, Duration(ConfigId::kClientKeepaliveIdle),
            Duration(ConfigId::kClientKeepaliveInterval),
            static_cast<int>(Int(ConfigId::kClientKeepaliveCount))};
  }
  constexpr int kProbes = 3;
  const int64_t idle = Int(ConfigId::kTcpKeepalive);
  return {idle > 0, absl::Seconds(idle),
          absl::Seconds(std::max<int64_t>(idle / kProbes, 1)), kProbes};
}

KeepaliveSettings Config::LinkKeepalive() const {
  return {true, Duration(ConfigId::kLinkKeepaliveIdle),
          Duration(ConfigId::kLinkKeepaliveInterval),
          static_cast<int>(Int(ConfigId::kLinkKeepaliveCount))};
}

std::vector<std::string> Config::SettingsWithoutEffect() const {
  const config::ValueSet set = Snapshot();
  const config::ValueSet defaults = config::DefaultValues();
  std::vector<std::string> out;
  for (size_t i = 0; i < kConfigCount; ++i) {
    const ConfigId id = static_cast<ConfigId>(i);
    const Directive& d = GetDirective(id);
    if (d.effect != config::Effect::kAcceptedNoEffect ||
        set.at(id) == defaults.at(id)) {
      continue;
    }
    out.push_back(absl::StrCat(
        d.name, " ",
        d.Has(config::kSensitive) ? "..." : config::FormatValue(d, set.at(id)),
        ": ", d.reason));
  }
  return out;
}

absl::Status Config::SetFromFile(const std::string& path) {
  config::Loader loader(Snapshot());
  const std::string absolute = ResolvePath(path);
  absl::Status status = loader.LoadFile(absolute);
  if (status.ok()) status = loader.Finish();
  if (status.ok()) Adopt(loader.values(), absolute);
  return status;
}

absl::Status Config::LoadText(absl::string_view text) {
  config::Loader loader(Snapshot());
  absl::Status status = loader.LoadText(text, "the given text");
  if (status.ok()) status = loader.Finish();
  if (status.ok()) Adopt(loader.values(), config_file());
  return status;
}

void Config::Adopt(const config::ValueSet& set,
                   const std::string& config_file) {
  absl::MutexLock writer(&set_mu_);
  Publish(set);
  absl::MutexLock lock(&mu_);
  config_file_ = config_file;
}

config::ValueSet Config::Snapshot() const {
  absl::MutexLock lock(&mu_);
  return set_;
}

std::string Config::config_file() const {
  absl::MutexLock lock(&mu_);
  return config_file_;
}

bool Config::IsSensitive(absl::string_view name) {
  const ConfigId id = config::FindDirective(name);
  return id != ConfigId::kCount && GetDirective(id).Has(config::kSensitive);
}

void Config::AddValidator(ConfigId id, Validator validator) {
  absl::MutexLock lock(&set_mu_);
  validators_.push_back({id, std::move(validator)});
}

void Config::OnChange(ConfigId id, Applier applier) {
  absl::MutexLock lock(&set_mu_);
  appliers_.push_back({id, std::move(applier)});
}

void Config::SetUserLines(std::function<std::vector<std::string>()> provider) {
  absl::MutexLock lock(&set_mu_);
  user_lines_ = std::move(provider);
}

void Config::Publish(const config::ValueSet& set) {
  absl::MutexLock lock(&mu_);
  set_ = set;
  for (size_t i = 0; i < kConfigCount; ++i) {
    numbers_[i].store(set.values[i].number, std::memory_order_relaxed);
    explicit_[i].store(set.is_explicit[i], std::memory_order_relaxed);
  }
  // Canonical form: three groups of class, hard, soft, seconds.
  const std::vector<std::string>& words =
      set.at(ConfigId::kClientOutputBufferLimit).words;
  CHECK_EQ(words.size(), 12u);
  for (size_t i = 0; i < words.size(); ++i) {
    if (i % 4 == 0) continue;
    limits_[i / 4][i % 4 - 1].store(ToInt(words[i]), std::memory_order_relaxed);
  }
}

}  // namespace holdfast::server
