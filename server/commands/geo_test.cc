#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "server/commands/keys_testing.h"

namespace holdfast::server {
namespace {

constexpr char kNotFloatReply[] = "-ERR value is not a valid float\r\n";
constexpr char kWrongTypeReply[] =
    "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n";
constexpr char kUnitReply[] =
    "-ERR unsupported unit provided. please use M, KM, FT, MI\r\n";
constexpr char kMemberReply[] =
    "-ERR could not decode requested zset member\r\n";
constexpr char kEmptyArray[] = "*0\r\n";

class GeoTest : public KeysTest {
 protected:
  GeoTest() {
    Do("GEOADD sicily 13.361389 38.115556 Palermo 15.087269 37.502669 Catania");
    Do("GEOADD sicily 12.758489 38.788135 edge1 17.241510 38.788135 edge2");
  }

  // The reply's line ends as spaces: short to read.
  std::string Line(absl::string_view line) {
    std::string shown;
    for (const char c : Do(line)) {
      if (c == '\r') continue;
      shown.push_back(c == '\n' ? ' ' : c);
    }
    if (!shown.empty()) shown.pop_back();
    return shown;
  }
  int64_t Changes(absl::string_view line) {
    const int64_t before = engine_.stats().changes_since_save.load();
    Do(line);
    return engine_.stats().changes_since_save.load() - before;
  }
};

TEST_F(GeoTest, AddRefusesBeforeItTouchesAnything) {
  EXPECT_EQ(Do("GEOADD g 1 2"),
            "-ERR wrong number of arguments for 'geoadd' command\r\n");
  for (const char* line :
       {"GEOADD g 1 2 a 3", "GEOADD g NX XX 1 2 a", "GEOADD g NX CH NX",
        "GEOADD g NX 1 2 a 3 4", "GEOADD g GT 1 2 a"}) {
    EXPECT_EQ(Do(line), kSyntaxReply) << line;
  }
  for (const char* bad : {"x", "''", "nan", "1x", "1e400", "(1", "0x"}) {
    EXPECT_EQ(Do(absl::StrCat("GEOADD g 1 2 a ", bad, " 4 b")), kNotFloatReply);
    EXPECT_EQ(Do(absl::StrCat("GEOADD g 1 2 a 3 ", bad, " b")), kNotFloatReply);
  }
  EXPECT_EQ(Do("GEOADD g 1 2 a 180.1 0 b"),
            "-ERR invalid longitude,latitude pair 180.100000,0.000000\r\n");
  EXPECT_EQ(Do("GEOADD g 0 -85.06 b"),
            "-ERR invalid longitude,latitude pair 0.000000,-85.060000\r\n");
  EXPECT_EQ(Do("GEOADD g inf -inf b"),
            "-ERR invalid longitude,latitude pair inf,-inf\r\n");
  EXPECT_EQ(Do("GEOADD g 1e20 0 b"),
            "-ERR invalid longitude,latitude pair 100000000000000000000.000000,"
            "0.000000\r\n");
  EXPECT_EQ(Do("EXISTS g"), Int(0));
  Do("SET s v");
  EXPECT_EQ(Do("GEOADD s 1 2 a"), kWrongTypeReply);
  EXPECT_EQ(Do("GEOADD s XX 1 2 a"), kWrongTypeReply);
  // The position is looked at first.
  EXPECT_EQ(Do("GEOADD s 1 x a"), kNotFloatReply);
}

TEST_F(GeoTest, AddCountsWhatItAddsOrMoves) {
  EXPECT_EQ(Do("GEOADD g 1 2 a 3 4 b"), Int(2));
  EXPECT_EQ(Do("GEOADD g 1 2 a 5 6 b 7 8 c"), Int(1));
  EXPECT_EQ(Do("GEOADD g CH 1 2 a 3 4 b 9 10 d"), Int(2));
  EXPECT_EQ(Do("GEOADD g NX ch 11 12 a 1 1 e"), Int(1));
  EXPECT_EQ(Do("GEOADD g XX CH 11 12 a 1 1 nosuch"), Int(1));
  EXPECT_EQ(Do("ZCARD g"), Int(5));
  EXPECT_EQ(Do("GEOADD none XX 1 2 a"), Int(0));
  EXPECT_EQ(Do("EXISTS none"), Int(0));
  EXPECT_EQ(Do("ZSCORE sicily Palermo"), Bulk("3479099956230698"));
  EXPECT_EQ(Changes("GEOADD g 21 2 a 21 2 x"), 2);
}

// As redis-server 7.0.15 sends it to its replicas.
TEST_F(GeoTest, ReplicasGetZAdd) {
  EXPECT_EQ(EffectsOf("GEOADD g ch 1 2 Palermo 3 4 q"),
            "zadd g ch 3378080408407459 Palermo 3379626039612548 q");
  EXPECT_EQ(EffectsOf("GEOADD g 1 2 Palermo"), "");
  EXPECT_EQ(EffectsOf("GEOADD g NX 7 8 Palermo"), "");
  EXPECT_EQ(EffectsOf("GEOADD g XX 1 2 new"), "");
  EXPECT_EQ(EffectsOf("GEOADD g 180 85.05112878 corner"),
            "zadd g 13510798882111488 corner");
}

TEST_F(GeoTest, DistanceInEveryUnit) {
  EXPECT_EQ(Do("GEODIST sicily Palermo Catania"), Bulk("166274.1516"));
  EXPECT_EQ(Do("GEODIST sicily Palermo Catania M"), Bulk("166274.1516"));
  EXPECT_EQ(Do("GEODIST sicily Palermo Catania km"), Bulk("166.2742"));
  EXPECT_EQ(Do("GEODIST sicily Palermo Catania Mi"), Bulk("103.3182"));
  EXPECT_EQ(Do("GEODIST sicily Palermo Catania ft"), Bulk("545518.8700"));
  EXPECT_EQ(Do("GEODIST sicily Palermo nosuch"), kNullReply);
  EXPECT_EQ(Do("GEODIST nosuch Palermo Catania"), kNullReply);
  EXPECT_EQ(Do("GEODIST nosuch Palermo Catania x"), kUnitReply);
  EXPECT_EQ(Do("GEODIST sicily Palermo Catania ''"), kUnitReply);
  EXPECT_EQ(Do("GEODIST sicily Palermo Catania km km"), kSyntaxReply);
  Do("SET s v");
  EXPECT_EQ(Do("GEODIST s a b"), kWrongTypeReply);
  session_.protocol.store(3);
  EXPECT_EQ(Do("GEODIST sicily Palermo Catania km"), Bulk("166.2742"));
  EXPECT_EQ(Do("GEODIST nosuch Palermo Catania"), "_\r\n");
}

TEST_F(GeoTest, PositionsAndTexts) {
  EXPECT_EQ(Line("GEOPOS sicily Palermo nosuch"),
            "*2 *2 $20 13.36138933897018433 $20 38.11555639549629859 *-1");
  EXPECT_EQ(Line("GEOHASH sicily Palermo nosuch Catania"),
            "*3 $11 sqc8b49rny0 $-1 $11 sqdtr74hyu0");
  EXPECT_EQ(Line("GEOPOS nosuch a b"), "*2 *-1 *-1");
  EXPECT_EQ(Line("GEOHASH nosuch a b"), "*2 $-1 $-1");
  EXPECT_EQ(Do("GEOPOS sicily"), kEmptyArray);
  EXPECT_EQ(Do("GEOHASH nosuch"), kEmptyArray);
  Do("SET s v");
  EXPECT_EQ(Do("GEOPOS s a"), kWrongTypeReply);
  EXPECT_EQ(Do("GEOHASH s a"), kWrongTypeReply);
  session_.protocol.store(3);
  EXPECT_EQ(Line("GEOPOS sicily Palermo nosuch"),
            "*2 *2 ,13.36138933897018433 ,38.11555639549629859 _");
  EXPECT_EQ(Line("GEOHASH sicily nosuch"), "*1 _");
}

// Any sorted set can be asked.
TEST_F(GeoTest, ScoresThatAreNoPositions) {
  Do("ZADD odd -1 a -inf b inf c 1e19 d -1e300 e 0.5 f");
  EXPECT_EQ(Line("GEOPOS odd a"), "*1 *2 $3 180 $19 85.0511287799999991");
  EXPECT_EQ(Line("GEOHASH odd a b c d e f"),
            "*6 $11 bp05b5048p0 $11 00bh0hbj200 $11 00bh0hbj200 $11 "
            "bp05b5048p0 $11 00bh0hbj200 $11 00bh0hbj200");
  EXPECT_EQ(Do("GEODIST odd a b"), Bulk("18919844.5891"));
  EXPECT_EQ(Line("GEOSEARCH odd FROMMEMBER c BYRADIUS 1 m"), "*1 $1 f");
}

TEST_F(GeoTest, SearchFindsWhatIsInside) {
  EXPECT_EQ(Line("GEOSEARCH sicily FROMLONLAT 15 37 BYRADIUS 200 km ASC"),
            "*2 $7 Catania $7 Palermo");
  EXPECT_EQ(
      Line("GEOSEARCH sicily FROMLONLAT 15 37 BYBOX 400 400 km DESC COUNT 3"),
      "*3 $5 edge1 $5 edge2 $7 Palermo");
  EXPECT_EQ(Line("GEOSEARCH sicily FROMLONLAT 15 37 BYBOX 400 400 km ASC "
                 "WITHCOORD WITHDIST WITHHASH COUNT 1"),
            "*1 *4 $7 Catania $7 56.4413 :3479447370796909 *2 $20 "
            "15.08726745843887329 $20 37.50266842333162032");
  EXPECT_EQ(Line("GEOSEARCH sicily FROMMEMBER Palermo BYRADIUS 0 m WITHDIST"),
            "*1 *2 $7 Palermo $6 0.0000");
  EXPECT_EQ(Line("GEORADIUS sicily 15 37 200 km WITHDIST ASC"),
            "*2 *2 $7 Catania $7 56.4413 *2 $7 Palermo $8 190.4424");
  EXPECT_EQ(Line("GEORADIUSBYMEMBER sicily Palermo 1 m"), "*1 $7 Palermo");
  EXPECT_EQ(Line("GEORADIUS sicily 15 37 99999999999 km COUNT 2 ANY DESC")
                .substr(0, 2),
            "*2");
  EXPECT_EQ(
      Line("GEOSEARCH sicily FROMLONLAT -100 -50 BYRADIUS inf mi").substr(0, 2),
      "*4");
  EXPECT_EQ(Do("GEOSEARCH nosuch FROMMEMBER a BYRADIUS 1 m"), kEmptyArray);
  session_.protocol.store(3);
  EXPECT_EQ(Line("GEOSEARCH sicily FROMLONLAT 15 37 BYBOX 400 400 km ASC "
                 "WITHCOORD WITHDIST COUNT 1"),
            "*1 *3 $7 Catania $7 56.4413 *2 ,15.08726745843887329 "
            ",37.50266842333162032");
}

TEST_F(GeoTest, SearchRefusals) {
  Do("SET s v");
  const std::string search = "GEOSEARCH sicily FROMLONLAT 15 37 ";
  const struct {
    std::string line;
    const char* reply;
  } kCases[] = {
      {"GEOSEARCH s FROMMEMBER a BYRADIUS x y", kWrongTypeReply},
      {"GEOSEARCH sicily FROMMEMBER nosuch BYRADIUS 1 m", kMemberReply},
      {"GEORADIUSBYMEMBER sicily nosuch x y", kMemberReply},
      {"GEORADIUS sicily x 1 1 m", kNotFloatReply},
      {"GEORADIUS sicily 181 1 1 m",
       "-ERR invalid longitude,latitude pair 181.000000,1.000000\r\n"},
      {"GEORADIUS sicily 1 1 x m", "-ERR need numeric radius\r\n"},
      {"GEORADIUS sicily 1 1 nan m", "-ERR need numeric radius\r\n"},
      {"GEORADIUS sicily 1 1 -1 m", "-ERR radius cannot be negative\r\n"},
      {"GEORADIUS sicily 1 1 1 x", kUnitReply},
      {search + "BYBOX x 1 m", "-ERR need numeric width\r\n"},
      {search + "BYBOX 1 x m", "-ERR need numeric height\r\n"},
      {search + "BYBOX 1 -1 m", "-ERR height or width cannot be negative\r\n"},
      {search + "BYBOX 1 1 x", kUnitReply},
      {search + "BYRADIUS 1 m COUNT 0", "-ERR COUNT must be > 0\r\n"},
      {search + "BYRADIUS 1 m COUNT -9223372036854775808",
       "-ERR COUNT must be > 0\r\n"},
      {search + "BYRADIUS 1 m COUNT x", kNotIntegerReply},
      {search + "BYRADIUS 1 m COUNT", kSyntaxReply},
      {search + "BYRADIUS 1 m ANY",
       "-ERR the ANY argument requires COUNT argument\r\n"},
      {search + "BYRADIUS 1 m BYBOX 1 1 m", kSyntaxReply},
      {search + "BYRADIUS 1 m STORE d", kSyntaxReply},
      {search + "BYRADIUS 1 m STOREDIST", kSyntaxReply},
      {search + "BYRADIUS 1 m FROMMEMBER Palermo", kSyntaxReply},
      {search + "ASC DESC",
       "-ERR exactly one of BYRADIUS and BYBOX can be specified for "
       "GEOSEARCH\r\n"},
      {"geosearch sicily BYRADIUS 1 m ASC ASC",
       "-ERR exactly one of FROMMEMBER or FROMLONLAT can be specified for "
       "geosearch\r\n"},
      {"GEOSEARCHSTORE d sicily FROMLONLAT 1 1 BYRADIUS 1 m WITHDIST",
       "-ERR GEOSEARCHSTORE is not compatible with WITHDIST, WITHHASH and "
       "WITHCOORD options\r\n"},
      {"GEORADIUS sicily 1 1 1 m STORE d WITHHASH",
       "-ERR STORE option in GEORADIUS is not compatible with WITHDIST, "
       "WITHHASH and WITHCOORD options\r\n"},
      {"GEORADIUS sicily 1 1 1 m STORE", kSyntaxReply},
      {"GEORADIUS_RO sicily 1 1 1 m STORE d", kSyntaxReply},
      {"GEORADIUSBYMEMBER_RO sicily Palermo 1 m STOREDIST d", kSyntaxReply},
  };
  for (const auto& c : kCases) EXPECT_EQ(Do(c.line), c.reply) << c.line;
  EXPECT_EQ(Do("EXISTS d"), Int(0));
  // Without a set the radius of a member is not looked at, the options are.
  EXPECT_EQ(Do("GEORADIUSBYMEMBER nosuch a x y"), kEmptyArray);
  EXPECT_EQ(Do("GEORADIUSBYMEMBER nosuch a x y z"), kSyntaxReply);
  EXPECT_EQ(Do("GEORADIUS nosuch 1 1 x m"), "-ERR need numeric radius\r\n");
}

TEST_F(GeoTest, StoresPositionsOrDistances) {
  EXPECT_EQ(Do("GEOSEARCHSTORE d sicily FROMLONLAT 15 37 BYBOX 400 400 km "
               "COUNT 3 DESC"),
            Int(3));
  EXPECT_EQ(Do("ZSCORE d Palermo"), Bulk("3479099956230698"));
  EXPECT_EQ(Do("ZSCORE d Catania"), kNullReply);
  EXPECT_EQ(Do("GEORADIUS sicily 15 37 200 km STOREDIST d"), Int(2));
  EXPECT_EQ(Do("ZSCORE d Catania"), Bulk("56.441257870158204"));
  EXPECT_EQ(Do("GEORADIUSBYMEMBER sicily Palermo 200 km STORE a STOREDIST b"),
            Int(3));
  EXPECT_EQ(Do("EXISTS a b"), Int(1));
  // Over what there was, of any type, and onto itself.
  Do("SET s v EX 100");
  EXPECT_EQ(Do("GEORADIUS sicily 15 37 200 km STORE s"), Int(2));
  EXPECT_EQ(Do("TTL s"), Int(-1));
  EXPECT_EQ(Do("GEORADIUS s 15 37 100 km STORE s"), Int(1));
  EXPECT_EQ(Do("GEORADIUS sicily 0 0 1 km STORE s"), Int(0));
  EXPECT_EQ(Do("EXISTS s"), Int(0));
  EXPECT_EQ(Do("GEORADIUS nosuch 0 0 1 km STORE b"), Int(0));
  EXPECT_EQ(Do("EXISTS b"), Int(0));
}

TEST_F(GeoTest, StoringIsItsOwnEffectAndCountsElements) {
  const char kLine[] = "GEORADIUS sicily 15 37 200 km STORE d";
  EXPECT_EQ(EffectsOf(kLine), kLine);
  EXPECT_EQ(Changes(kLine), 2);
  EXPECT_EQ(EffectsOf("GEORADIUS sicily 15 37 200 km"), "");
  EXPECT_EQ(EffectsOf("GEORADIUS sicily 0 0 1 km STORE nosuch"), "");
  EXPECT_EQ(Changes("GEORADIUS sicily 0 0 1 km STORE d"), 1);
  Do("PEXPIRE sicily 1");
  Advance(absl::Milliseconds(2));
  EXPECT_EQ(EffectsOf("GEOSEARCHSTORE d sicily FROMMEMBER a BYRADIUS 1 m"),
            "DEL sicily");
}

TEST_F(GeoTest, AStoredSetHasTheFormOfItsSize) {
  std::string line = "GEOADD g";
  for (int i = 0; i < 129; ++i) absl::StrAppend(&line, " 1 1 m", i);
  EXPECT_EQ(Do(line), Int(129));
  EXPECT_EQ(Do("OBJECT ENCODING g"), Bulk("skiplist"));
  EXPECT_EQ(Do("GEORADIUS g 1 1 1 km STORE d"), Int(129));
  EXPECT_EQ(Do("OBJECT ENCODING d"), Bulk("skiplist"));
  EXPECT_EQ(Do("GEORADIUS g 1 1 1 km COUNT 128 STORE d"), Int(128));
  EXPECT_EQ(Do("OBJECT ENCODING d"), Bulk("listpack"));
}

TEST_F(GeoTest, AReplicaAppliesIt) {
  ASSERT_TRUE(Apply("zadd g 3378080408407459 a").ok());
  ASSERT_TRUE(Apply("GEORADIUS g 1 2 100 km STORE d").ok());
  EXPECT_EQ(Do("ZSCORE d a"), Bulk("3378080408407459"));
  EXPECT_FALSE(Apply("GEOADD g 999 0 a").ok());
}

}  // namespace
}  // namespace holdfast::server
