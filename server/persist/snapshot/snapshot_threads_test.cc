// Snapshots with writers on threads of their own.

#include <atomic>
#include <cstdint>
#include <memory>
#include <thread>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "net/time/clock.h"
#include "server/persist/snapshot/snapshot.h"
#include "server/persist/snapshot/snapshot_testing.h"
#include "testing/support/dice.h"

namespace holdfast::server {
namespace {

using test::Dice;

// Each snapshot with the log from its cut to the next one's makes the next
// snapshot; the last one with the rest of the log, the final state.
TEST_F(SnapshotTest, WithConcurrentWritersEachLeadsToTheNextByTheLog) {
  struct Shape {
    const char* name;
    int fill;  // Few keys: many cuts in a short time; many: long walks.
    int snapshots;
  };
  for (const Shape& shape :
       {Shape{"few keys", 0, 80}, Shape{"many", 1000, 3}}) {
    for (const uint64_t seed : Seeds(1)) {
      SCOPED_TRACE(absl::StrCat(shape.name, ", HOLDFAST_SEED=", seed,
                                " (but the interleaving is not repeatable)"));
      TestEngine engine(net::Clock::Real(), "repl-backlog-size 1gb\n");
      RandomWriter filler(engine.get(), seed);
      if (shape.fill > 0) Fill(&filler, shape.fill);
      std::atomic<bool> stop{false};
      std::vector<std::thread> threads;
      for (int i = 0; i < 4; ++i) {
        threads.emplace_back([&, i] {
          const uint64_t own_seed = seed * 100 + static_cast<uint64_t>(i);
          RandomWriter writer(engine.get(), own_seed);
          if (shape.fill > 0) {
            while (!stop.load(std::memory_order_relaxed)) writer.Step();
            return;
          }
          Client client(engine.get());
          Dice dice(own_seed);
          while (!stop.load(std::memory_order_relaxed)) {
            // Each write changes something, so a lost or doubled one shows.
            client.Do({"APPEND", absl::StrCat("{s}", dice.Below(4)), "x"});
            client.Do({"INCR", absl::StrCat("{s}n", dice.Below(4))});
            client.Do({"INCR", absl::StrCat("{last}n", dice.Below(4))});
            if (dice.OneIn(50)) {
              client.Do({"DEL", absl::StrCat("{s}", dice.Below(4))});
            }
          }
        });
      }
      std::vector<std::shared_ptr<Snapshot>> snapshots;
      for (int i = 0; i < shape.snapshots; ++i) {
        snapshots.push_back(Start(&engine));
        snapshots.back()->WaitForEnd();
      }
      stop.store(true);
      for (std::thread& thread : threads) thread.join();
      const int64_t end = engine->log().end_offset();
      absl::StatusOr<Dataset> at_cut = Load(snapshots.front().get());
      for (size_t i = 0; i < snapshots.size(); ++i) {
        SCOPED_TRACE(absl::StrCat("snapshot ", i));
        ASSERT_TRUE(at_cut.ok()) << at_cut.status();
        const bool last = i + 1 == snapshots.size();
        const int64_t from = snapshots[i]->offset();
        const int64_t to = last ? end : snapshots[i + 1]->offset();
        const absl::StatusOr<Dataset> replayed =
            Replay(engine.get(), *at_cut, from, to);
        ASSERT_TRUE(replayed.ok()) << replayed.status();
        if (last) {
          EXPECT_TRUE(Same(*replayed, DatasetOf(engine.get())));
        } else {
          at_cut = Load(snapshots[i + 1].get());
          ASSERT_TRUE(at_cut.ok()) << at_cut.status();
          ASSERT_TRUE(Same(*replayed, *at_cut));
        }
      }
    }
  }
}

}  // namespace
}  // namespace holdfast::server
