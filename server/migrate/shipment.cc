#include "server/migrate/shipment.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "glog/logging.h"
#include "net/resp/reply_writer.h"

namespace holdfast::server {
namespace {

constexpr absl::string_view kCannotConnect =
    "IOERR error or timeout connecting to the client";
constexpr absl::string_view kCannotWrite =
    "IOERR error or timeout writing to target instance";
constexpr absl::string_view kCannotRead =
    "IOERR error or timeout reading to target instance";

// What is to be done about a connection once it was used.
enum class Verdict {
  kKeep,
  kDrop,
  kTryAnother,  // Broken before anything was said to it or by it.
};

// One use of one connection.
class Delivery {
 public:
  Delivery(MigrateLink* link, const MigrateTarget& target,
           const Patience& patience, bool last_try, Shipment* shipment)
      : link_(*link),
        target_(target),
        patience_(patience),
        last_try_(last_try),
        shipment_(*shipment) {}

  Verdict Run() {
    if (!Introduce()) return verdict_;
    if (const absl::Status s = link_.Write(shipment_.wire, patience_); !s.ok())
      return Broken(s, kCannotWrite, true);
    for (size_t i = 0; i < shipment_.commands.size(); ++i) {
      const absl::StatusOr<std::string> line = link_.ReadLine(patience_);
      if (!line.ok()) return Broken(line.status(), kCannotRead, i == 0);
      const bool restore = shipment_.commands[i] == Shipment::Command::kRestore;
      if (absl::StartsWith(*line, "-")) {
        Refused(*line);
      } else if (restore ? *line == "+OK" : absl::StartsWith(*line, ":")) {
        shipment_.confirmed[i] = true;
      } else {
        return Nonsense(*line);
      }
    }
    return Verdict::kKeep;
  }

 private:
  // AUTH and SELECT, and what the target says to them. False: nothing is to be
  // sent, see verdict_.
  bool Introduce() {
    std::string wire;
    int replies = 0;
    if (target_.has_password) {
      if (target_.has_user) {
        Append({"AUTH", target_.user, target_.password}, &wire);
      } else {
        Append({"AUTH", target_.password}, &wire);
      }
      ++replies;
    }
    if (link_.selected_db != target_.db) {
      Append({"SELECT", absl::StrCat(target_.db)}, &wire);
      ++replies;
    }
    if (const absl::Status s = link_.Write(wire, patience_); !s.ok()) {
      verdict_ = Broken(s, kCannotWrite, true);
      return false;
    }
    for (int i = 0; i < replies; ++i) {
      const absl::StatusOr<std::string> line = link_.ReadLine(patience_);
      if (!line.ok()) {
        verdict_ = Broken(line.status(), kCannotRead, i == 0);
        return false;
      }
      if (absl::StartsWith(*line, "-")) {
        Refused(*line);
      } else if (*line != "+OK") {
        verdict_ = Nonsense(*line);
        return false;
      }
    }
    if (shipment_.error.empty()) link_.selected_db = target_.db;
    return shipment_.error.empty();
  }

  static void Append(std::initializer_list<absl::string_view> args,
                     std::string* wire) {
    net::AppendCommand(wire, absl::MakeConstSpan(args.begin(), args.size()));
  }

  void Refused(absl::string_view line) {
    link_.selected_db = -1;
    if (!shipment_.error.empty()) return;  // The first is told of.
    shipment_.error = absl::StrCat("ERR Target instance replied with error: ",
                                   line.substr(1));
  }

  Verdict Broken(const absl::Status& status, absl::string_view error,
                 bool unused) {
    VLOG(1) << "MIGRATE to " << link_.host << ":" << link_.port << ": "
            << status;
    if (unused && !last_try_ && shipment_.error.empty() &&
        !absl::IsDeadlineExceeded(status) && !absl::IsCancelled(status)) {
      return Verdict::kTryAnother;
    }
    if (shipment_.error.empty()) shipment_.error = std::string(error);
    return Verdict::kDrop;
  }

  Verdict Nonsense(absl::string_view line) {
    LOG(WARNING) << "MIGRATE: " << link_.host << ":" << link_.port
                 << " is no Redis: it answers "
                 << absl::CHexEscape(line.substr(0, 128));
    if (shipment_.error.empty()) shipment_.error = std::string(kCannotRead);
    return Verdict::kDrop;
  }

  MigrateLink& link_;
  const MigrateTarget& target_;
  const Patience& patience_;
  const bool last_try_;
  Shipment& shipment_;
  Verdict verdict_ = Verdict::kKeep;
};

}  // namespace

void Ship(MigrateLinks* links, const MigrateTarget& target,
          const Patience& patience, Shipment* shipment) {
  shipment->confirmed.assign(shipment->commands.size(), false);
  shipment->error.clear();
  for (const bool last_try : {false, true}) {
    std::unique_ptr<MigrateLink> link;
    // The second try is with a connection that cannot be stale.
    if (!last_try)
      link = links->Take(target.host, target.port, target.has_password);
    if (link == nullptr) {
      auto dialled =
          links->Dial(target.host, target.port, target.has_password, patience);
      if (!dialled.ok()) {
        VLOG(1) << "MIGRATE: " << dialled.status();
        shipment->error = std::string(kCannotConnect);
        return;
      }
      link = *std::move(dialled);
    }
    const Verdict verdict =
        Delivery(link.get(), target, patience, last_try, shipment).Run();
    if (verdict == Verdict::kKeep) links->Put(std::move(link));
    if (verdict != Verdict::kTryAnother) return;
  }
}

}  // namespace holdfast::server
