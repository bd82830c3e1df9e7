#include <algorithm>
#include <set>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "glog/logging.h"
#include "server/config/config.h"
#include "server/config/rewrite.h"
#include "server/config/text.h"
#include "server/text/glob.h"

// What stands behind CONFIG GET, SET and REWRITE.
namespace holdfast::server {

using config::Directive;
using config::FindDirective;
using config::GetDirective;

namespace {

absl::Status SetFailed(absl::string_view name, absl::string_view reason) {
  std::string text = absl::StrCat(
      "ERR CONFIG SET failed (possibly related to argument '", name, "')");
  if (!reason.empty()) absl::StrAppend(&text, " - ", reason);
  return absl::InvalidArgumentError(text);
}

bool MaySetProtected(const config::ValueSet& set, bool local_client) {
  const auto allowed = static_cast<ProtectedAction>(
      set.at(ConfigId::kEnableProtectedConfigs).number);
  return allowed == ProtectedAction::kYes ||
         (allowed == ProtectedAction::kLocal && local_client);
}

// A name in an error text: as the table spells it, keeping the alias.
const char* SpellName(absl::string_view given) {
  bool by_alias = false;
  const Directive& d = GetDirective(FindDirective(given, &by_alias));
  return by_alias ? d.alias : d.name;
}

}  // namespace

std::vector<Config::NameValue> Config::Get(
    absl::Span<const absl::string_view> patterns) const {
  std::vector<NameValue> out;
  std::set<std::string> taken;
  const config::ValueSet set = Snapshot();
  auto add = [&](absl::string_view name, ConfigId id) {
    if (!taken.insert(absl::AsciiStrToLower(name)).second) return;
    out.emplace_back(std::string(name),
                     config::FormatValue(GetDirective(id), set.at(id)));
  };
  for (const absl::string_view pattern : patterns) {
    if (!config::HasGlob(pattern)) {
      const ConfigId id = FindDirective(pattern);
      if (id != ConfigId::kCount &&
          GetDirective(id).type != config::Type::kLine) {
        add(pattern, id);
      }
      continue;
    }
    for (const config::NamedId& named : config::AllNames()) {
      if (!GetDirective(named.id).Has(config::kHidden) &&
          GlobMatch(pattern, named.name, GlobCase::kIgnore)) {
        add(named.name, named.id);
      }
    }
  }
  return out;
}

absl::Status Config::Set(absl::Span<const NameValue> pairs,
                         const SetContext& context) {
  absl::MutexLock writer(&set_mu_);
  std::vector<ConfigId> ids;
  absl::Status status = Resolve(pairs, context, &ids);
  if (!status.ok()) return status;
  const config::ValueSet before = Snapshot();
  config::ValueSet next = before;
  std::vector<ConfigId> changed;
  status = Stage(pairs, ids, &next, &changed);
  if (!status.ok()) return status;
  Publish(next);
  ConfigId culprit = ConfigId::kCount;
  status = Apply(changed, before, &culprit);
  if (status.ok()) return status;
  const size_t at = std::find(ids.begin(), ids.end(), culprit) - ids.begin();
  return SetFailed(SpellName(pairs[at].first), status.message());
}

absl::Status Config::Resolve(absl::Span<const NameValue> pairs,
                             const SetContext& context,
                             std::vector<ConfigId>* ids) const {
  const config::ValueSet set = Snapshot();
  for (const auto& [name, value] : pairs) {
    const ConfigId id = FindDirective(name);
    if (id == ConfigId::kCount ||
        GetDirective(id).type == config::Type::kLine) {
      return absl::InvalidArgumentError(absl::StrCat(
          "ERR Unknown option or number of arguments for CONFIG SET - '", name,
          "'"));
    }
    const Directive& d = GetDirective(id);
    if (d.Has(config::kImmutable)) {
      return SetFailed(name, "can't set immutable config");
    }
    if (d.Has(config::kProtected) &&
        !MaySetProtected(set, context.local_client)) {
      return SetFailed(name, "can't set protected config");
    }
    if (d.Has(config::kDenyLoading) && context.loading) {
      return absl::UnavailableError(
          "LOADING Redis is loading the dataset in memory");
    }
    if (std::find(ids->begin(), ids->end(), id) != ids->end()) {
      return SetFailed(name, "duplicate parameter");
    }
    ids->push_back(id);
  }
  return absl::OkStatus();
}

absl::Status Config::Stage(absl::Span<const NameValue> pairs,
                           absl::Span<const ConfigId> ids,
                           config::ValueSet* next,
                           std::vector<ConfigId>* changed) {
  std::bitset<kConfigCount> named;
  for (size_t i = 0; i < ids.size(); ++i) {
    const Directive& d = GetDirective(ids[i]);
    const std::string& text = pairs[i].second;
    std::vector<std::string> words;
    // Here single spaces separate and quotes mean nothing; "" is no word.
    if (!d.Has(config::kMultiArg)) {
      words.push_back(text);
    } else if (!text.empty()) {
      words = absl::StrSplit(text, ' ');
    }
    const config::Value old = next->at(ids[i]);
    absl::Status applied =
        config::ApplyWords(ids[i], words, /*accumulate=*/false, next);
    for (size_t v = 0; applied.ok() && v < validators_.size(); ++v) {
      if (validators_[v].id != ids[i]) continue;
      applied = validators_[v].run(config::FormatValue(d, next->at(ids[i])));
    }
    if (!applied.ok()) {
      return SetFailed(SpellName(pairs[i].first), applied.message());
    }
    if (next->at(ids[i]) != old || d.Has(config::kVolatile)) {
      changed->push_back(ids[i]);
    }
    named.set(static_cast<size_t>(ids[i]));
  }
  ConfigId culprit = ConfigId::kCount;
  const absl::Status consistent =
      config::CheckConsistency(*next, named, &culprit);
  if (consistent.ok()) return consistent;
  const size_t at = std::find(ids.begin(), ids.end(), culprit) - ids.begin();
  return SetFailed(
      at < ids.size() ? SpellName(pairs[at].first) : GetDirective(culprit).name,
      consistent.message());
}

absl::Status Config::Apply(absl::Span<const ConfigId> changed,
                           const config::ValueSet& before, ConfigId* culprit) {
  std::vector<const Hook<Applier>*> ran;
  for (const Hook<Applier>& hook : appliers_) {
    if (std::find(changed.begin(), changed.end(), hook.id) == changed.end()) {
      continue;
    }
    ran.push_back(&hook);
    const absl::Status applied = hook.run();
    if (applied.ok()) continue;
    *culprit = hook.id;
    Publish(before);
    for (const Hook<Applier>* undo : ran) {
      const absl::Status undone = undo->run();
      LOG_IF(ERROR, !undone.ok())
          << "CONFIG SET failed, and so did going back to the old value of "
          << GetDirective(undo->id).name << ": " << undone.message();
    }
    return applied;
  }
  return absl::OkStatus();
}

absl::Status Config::Record(ConfigId id, absl::Span<const std::string> words) {
  absl::MutexLock writer(&set_mu_);
  config::ValueSet next = Snapshot();
  const absl::Status applied =
      config::ApplyWords(id, words, /*accumulate=*/false, &next);
  if (applied.ok()) Publish(next);
  return applied;
}

absl::Status Config::Rewrite() {
  absl::MutexLock writer(&set_mu_);
  const std::string path = config_file();
  if (path.empty()) {
    return absl::FailedPreconditionError(
        "ERR The server is running without a config file");
  }
  std::optional<std::vector<std::string>> users;
  if (user_lines_ != nullptr) users = user_lines_();
  const absl::Status status = config::RewriteFile(path, Snapshot(), users);
  if (status.ok()) return status;
  return absl::Status(status.code(), absl::StrCat("ERR Rewriting config file: ",
                                                  status.message()));
}

}  // namespace holdfast::server
