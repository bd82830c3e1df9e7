#include "server/commands/bitmap.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "server/commands/keys_testing.h"
#include "server/keyspace/database.h"

namespace holdfast::server {
namespace {

constexpr char kWrongTypeReply[] =
    "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n";
constexpr char kOffsetReply[] =
    "-ERR bit offset is not an integer or out of range\r\n";
constexpr char kBitReply[] = "-ERR bit is not an integer or out of range\r\n";
constexpr char kFieldTypeReply[] =
    "-ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is "
    "not supported but i64 is.\r\n";

class BitmapTest : public KeysTest {
 protected:
  std::string Array(std::initializer_list<int64_t> numbers) {
    std::string reply = absl::StrCat("*", numbers.size(), "\r\n");
    for (const int64_t n : numbers) absl::StrAppend(&reply, Int(n));
    return reply;
  }
  void LimitStringsTo(int64_t bytes) {
    const Config::NameValue pair("proto-max-bulk-len", absl::StrCat(bytes));
    CHECK(engine_.config().Set({&pair, 1}, {}).ok());
  }
  const Entry* Find(absl::string_view key) {
    return engine_.keyspace().db(0).Find(KeyRef(key));
  }
};

// --- SETBIT, GETBIT ---

TEST_F(BitmapTest, SetBitMakesTheStringAsLongAsItTakes) {
  EXPECT_EQ(Do("setbit k 1 1"), Int(0));
  EXPECT_EQ(Do("get k"), Bulk("@"));
  EXPECT_EQ(Do("setbit k 1 1"), Int(1));
  EXPECT_EQ(Do("setbit k 23 0"), Int(0));
  EXPECT_EQ(Do("get k"), Bulk(absl::string_view("@\0\0", 3)));
  EXPECT_EQ(Do("setbit k 1 0"), Int(1));
  EXPECT_EQ(Do("get k"), Bulk(absl::string_view("\0\0\0", 3)));
  EXPECT_EQ(Do("object encoding k"), Bulk("raw"));
}

TEST_F(BitmapTest, SetBitReadsANumberAsItsDigits) {
  Do("set k 1");
  EXPECT_EQ(Do("setbit k 6 1"), Int(0));
  EXPECT_EQ(Do("get k"), Bulk("3"));
  Do("set k 1");
  EXPECT_EQ(Do("setbit k 7 1"), Int(1)) << "changes nothing, and yet:";
  EXPECT_EQ(Do("object encoding k"), Bulk("raw"));
  EXPECT_EQ(Do("get k"), Bulk("1"));
}

TEST_F(BitmapTest, SetBitRefusesBadArguments) {
  for (const char* offset :
       {"-1", "4294967296", "9223372036854775807", "9223372036854775808",
        "-9223372036854775808", "x", "", " 1", "1.0", "#1", "0x1"}) {
    EXPECT_EQ(Do({"setbit", "k", offset, "1"}), kOffsetReply) << offset;
    EXPECT_EQ(Do({"getbit", "k", offset}), kOffsetReply) << offset;
  }
  for (const char* bit : {"-1", "2", "x", "", "01", "9223372036854775808"})
    EXPECT_EQ(Do({"setbit", "k", "0", bit}), kBitReply) << bit;
  Do("rpush list a");
  EXPECT_EQ(Do("setbit list 0 1"), kWrongTypeReply);
  EXPECT_EQ(Do("getbit list 0"), kWrongTypeReply);
  EXPECT_EQ(Do("setbit list -1 1"), kOffsetReply) << "arguments come first";
  EXPECT_EQ(Do("exists k"), Int(0));
}

TEST_F(BitmapTest, TheLongestStringLimitsOffsets) {
  LimitStringsTo(1024 * 1024);
  EXPECT_EQ(Do("setbit k 8388607 1"), Int(0));
  EXPECT_EQ(Do("setbit k 8388608 1"), kOffsetReply);
  EXPECT_EQ(Do("getbit k 8388608"), kOffsetReply);
  EXPECT_EQ(Do("bitfield k set u8 8388608 1"), kOffsetReply);
  EXPECT_EQ(Do("bitfield k get u8 8388608"), kOffsetReply);
  EXPECT_TRUE(Apply("setbit fromprimary 8388608 1").ok());
  EXPECT_EQ(Do("strlen fromprimary"), Int(1048577));
}

TEST_F(BitmapTest, GetBitBeyondTheEndIsZero) {
  EXPECT_EQ(Do("getbit nosuch 0"), Int(0));
  Do("set k 5");
  EXPECT_EQ(Do("getbit k 2"), Int(1));
  EXPECT_EQ(Do("getbit k 8"), Int(0));
  EXPECT_EQ(Do("getbit k 4294967295"), Int(0));
  Do({"set", "text", "a"});
  EXPECT_EQ(Do("getbit text 1"), Int(1));
  EXPECT_EQ(Do("getbit text 8"), Int(0));
}

TEST_F(BitmapTest, SetBitThatChangesNothingIsNoChange) {
  EXPECT_EQ(EffectsOf("setbit k 0 0"), "setbit k 0 0") << "it is made";
  EXPECT_EQ(EffectsOf("setbit k 0 0"), "");
  EXPECT_EQ(EffectsOf("setbit k 0 1"), "setbit k 0 1");
  EXPECT_EQ(EffectsOf("setbit k 0 1"), "");
  EXPECT_EQ(EffectsOf("setbit k 8 0"), "setbit k 8 0") << "it grows";
  EXPECT_EQ(EffectsOf("getbit k 8"), "");
}

TEST_F(BitmapTest, SetBitKeepsTheExpiry) {
  Do("set k a PX 1000");
  Do("setbit k 100 1");
  EXPECT_EQ(Do("pttl k"), Int(1000));
  Advance(absl::Seconds(2));
  EXPECT_EQ(Do("setbit k 0 0"), Int(0));
  EXPECT_EQ(Do("strlen k"), Int(1));
  EXPECT_EQ(Do("ttl k"), Int(-1));
}

TEST_F(BitmapTest, SetBitOfALongStringCopiesNothing) {
  Do("setbit k 80000000 1");
  char scratch[Entry::kScratch];
  const char* const before = Find("k")->StringBytes(scratch).data();
  Do("setbit k 5 1");
  Do("setbit k 79999999 1");
  Do("bitfield k set u8 40000000 77");
  EXPECT_EQ(Find("k")->StringBytes(scratch).data(), before);
  EXPECT_EQ(Do("bitcount k"), Int(7));
}

TEST_F(BitmapTest, ANewKeyWasUsedJustNow) {
  Advance(absl::Seconds(100));
  Do("setbit k 0 1");
  Do("bitop or d k");
  EXPECT_EQ(Do("object idletime k"), Int(0));
  EXPECT_EQ(Do("object idletime d"), Int(0));
}

// Shows what a snapshot would save of the keys that change.
class Recorder : public ChangeObserver {
 public:
  void BeforeChange(const Database&, const Entry& entry) override {
    char scratch[Entry::kScratch];
    seen.push_back(absl::StrCat(entry.key(), "=", entry.StringBytes(scratch)));
  }
  std::vector<std::string> seen;
};

TEST_F(BitmapTest, SnapshotsSeeWhatWasThereBefore) {
  Do("set a 1");
  Do("set b 22");
  Do({"set", "c", std::string(100, 'c')});
  Do("setbit c 0 1");
  Do("set d d");
  const std::string c = absl::StrCat("c=\xe3", std::string(99, 'c'));
  Recorder recorder;
  engine_.keyspace().snapshot().observer = &recorder;
  engine_.keyspace().snapshot().epoch = 1;
  Do("setbit c 0 1");
  EXPECT_TRUE(recorder.seen.empty()) << "nothing has changed";
  Do("bitfield c get u8 0 set u8 0 227");
  EXPECT_TRUE(recorder.seen.empty()) << "nor has it now";
  Do("setbit a 6 1");
  Do("bitfield c incrby u8 0 1");
  Do("bitop not d b");
  Do("bitop not b b");
  Do("setbit a 6 0");
  EXPECT_EQ(recorder.seen, std::vector<std::string>({"a=1", c, "d=d", "b=22"}));
  engine_.keyspace().snapshot().observer = nullptr;
}

// --- BITCOUNT ---

TEST_F(BitmapTest, BitCountCountsRangesOfBytesAndBits) {
  Do("set k foobar");
  EXPECT_EQ(Do("bitcount k"), Int(26));
  EXPECT_EQ(Do("bitcount k 0 0"), Int(4));
  EXPECT_EQ(Do("bitcount k 1 1"), Int(6));
  EXPECT_EQ(Do("bitcount k 1 1 BYTE"), Int(6));
  EXPECT_EQ(Do("bitcount k 5 30 bit"), Int(17));
  EXPECT_EQ(Do("bitcount k -2 -1"), Int(7));
  EXPECT_EQ(Do("bitcount k -100 100"), Int(26));
  EXPECT_EQ(Do("bitcount k 0 -1 BIT"), Int(26));
  EXPECT_EQ(Do("bitcount k 6 9"), Int(0));
  EXPECT_EQ(Do("bitcount k 3 1"), Int(0));
  EXPECT_EQ(Do("bitcount k -9223372036854775808 9223372036854775807"), Int(26));
  EXPECT_EQ(Do("bitcount k 9223372036854775807 -9223372036854775808 BIT"),
            Int(0));
  Do("set empty ''");
  EXPECT_EQ(Do("bitcount empty"), Int(0));
  EXPECT_EQ(Do("bitcount empty 0 -1 BIT"), Int(0));
}

TEST_F(BitmapTest, BitCountLooksAtTheKeyFirst) {
  EXPECT_EQ(Do("bitcount nosuch x y z w"), Int(0));
  Do("rpush list a");
  EXPECT_EQ(Do("bitcount list x"), kWrongTypeReply);
  Do("set k v");
  EXPECT_EQ(Do("bitcount k 0"), kSyntaxReply);
  EXPECT_EQ(Do("bitcount k 0 1 BIT x"), kSyntaxReply);
  EXPECT_EQ(Do("bitcount k 0 1 x"), kSyntaxReply);
  EXPECT_EQ(Do("bitcount k -1 -2 x"), Int(0)) << "as in Redis";
  EXPECT_EQ(Do("bitcount k x 1"), kNotIntegerReply);
  EXPECT_EQ(Do("bitcount k 0 y BIT"), kNotIntegerReply);
}

// --- BITPOS ---

TEST_F(BitmapTest, BitPosFindsTheFirst) {
  Do({"set", "k", absl::string_view("\xff\xf0\x00", 3)});
  EXPECT_EQ(Do("bitpos k 0"), Int(12));
  EXPECT_EQ(Do("bitpos k 1 2"), Int(-1));
  EXPECT_EQ(Do("bitpos k 1 1"), Int(8));
  EXPECT_EQ(Do("bitpos k 0 0 0"), Int(-1));
  EXPECT_EQ(Do("bitpos k 0 7 15 BIT"), Int(12));
  EXPECT_EQ(Do("bitpos k 1 12 -1 bit"), Int(-1));
  EXPECT_EQ(Do("bitpos k 1 -13 -1 bit"), Int(11));
  EXPECT_EQ(Do("bitpos k 0 -1 -1 byte"), Int(16));
  EXPECT_EQ(Do("bitpos k 1 3"), Int(-1));
  EXPECT_EQ(Do("bitpos k 0 3"), Int(-1));
  EXPECT_EQ(Do("bitpos nosuch 1"), Int(-1));
  EXPECT_EQ(Do("bitpos nosuch 0 x"), Int(0));
}

TEST_F(BitmapTest, BitPosOfZeroGoesBeyondOnesUnlessAnEndIsGiven) {
  Do({"set", "k", "\xff\xff\xff"});
  EXPECT_EQ(Do("bitpos k 0"), Int(24));
  EXPECT_EQ(Do("bitpos k 0 1"), Int(24));
  EXPECT_EQ(Do("bitpos k 0 0 -1"), Int(-1));
  EXPECT_EQ(Do("bitpos k 0 0 -1 BIT"), Int(-1));
  Do("set empty ''");
  EXPECT_EQ(Do("bitpos empty 0"), Int(-1));
  EXPECT_EQ(Do("bitpos empty 1"), Int(-1));
}

TEST_F(BitmapTest, BitPosRefusesBadArguments) {
  Do("set k v");
  EXPECT_EQ(Do("bitpos k x"), kNotIntegerReply);
  EXPECT_EQ(Do("bitpos k 2"), "-ERR The bit argument must be 1 or 0.\r\n");
  EXPECT_EQ(Do("bitpos nosuch -1"),
            "-ERR The bit argument must be 1 or 0.\r\n");
  EXPECT_EQ(Do("bitpos k 1 x"), kNotIntegerReply);
  EXPECT_EQ(Do("bitpos k 1 0 x BIT"), kNotIntegerReply);
  EXPECT_EQ(Do("bitpos k 1 0 x hello"), kSyntaxReply);
  EXPECT_EQ(Do("bitpos k 1 0 1 BIT x"), kSyntaxReply);
  Do("rpush list a");
  EXPECT_EQ(Do("bitpos list 1 x"), kWrongTypeReply);
}

// --- BITOP ---

TEST_F(BitmapTest, BitOpCombines) {
  Do("set a foobar");
  Do("set b abcdef");
  EXPECT_EQ(Do("bitop AND d a b"), Int(6));
  EXPECT_EQ(Do("get d"), Bulk("`bc`ab"));
  EXPECT_EQ(Do("bitop or d a b nosuch"), Int(6));
  EXPECT_EQ(Do("get d"), Bulk("goofev"));
  EXPECT_EQ(Do("bitop Xor d a a"), Int(6));
  EXPECT_EQ(Do("get d"), Bulk(absl::string_view("\0\0\0\0\0\0", 6)));
  EXPECT_EQ(Do("bitop not d a"), Int(6));
  EXPECT_EQ(Do("get d"), Bulk("\x99\x90\x90\x9d\x9e\x8d"));
  EXPECT_EQ(Do("object encoding d"), Bulk("raw"));
  EXPECT_EQ(Do("bitop and d a nosuch"), Int(6));
  EXPECT_EQ(Do("get d"), Bulk(absl::string_view("\0\0\0\0\0\0", 6)));
}

TEST_F(BitmapTest, BitOpReadsNumbersAsTheirDigits) {
  Do("set a 12");
  Do("set b -7");
  Do("set c 9223372036854775807");
  EXPECT_EQ(Do("bitop or d a b c"), Int(19));
  EXPECT_EQ(Do("get d"), Bulk("=723372036854775807"));
}

TEST_F(BitmapTest, BitOpMayWriteToItsSource) {
  Do("set a 1 PX 1000");
  Do({"set", "b", "pqrstuvwxyz"});
  EXPECT_EQ(Do("bitop xor a a b a b a"), Int(11));
  EXPECT_EQ(Do("get a"), Bulk(absl::string_view("1\0\0\0\0\0\0\0\0\0\0", 11)));
  EXPECT_EQ(Do("ttl a"), Int(-1)) << "a new value does not expire";
  EXPECT_EQ(Do("bitop not b b"), Int(11));
  EXPECT_EQ(Do("bitop not b b"), Int(11));
  EXPECT_EQ(Do("get b"), Bulk("pqrstuvwxyz"));
}

TEST_F(BitmapTest, BitOpReplacesWhateverIsThere) {
  Do("set a aa");
  Do("rpush list x");
  Do("expire list 100");
  EXPECT_EQ(Do("bitop or list a"), Int(2));
  EXPECT_EQ(Do("get list"), Bulk("aa"));
  EXPECT_EQ(Do("ttl list"), Int(-1));
  EXPECT_EQ(Do({"set", "long", std::string(1000, 'x')}), kOkReply);
  EXPECT_EQ(Do("bitop or long a"), Int(2));
  EXPECT_EQ(Do("get long"), Bulk("aa"));
}

TEST_F(BitmapTest, BitOpOfNothingDeletes) {
  EXPECT_EQ(EffectsOf("bitop or d nosuch"), "");
  Do("set d x");
  Do("set empty ''");
  EXPECT_EQ(EffectsOf("bitop or d nosuch empty"), "bitop or d nosuch empty");
  EXPECT_EQ(Do("exists d"), Int(0));
  EXPECT_EQ(Do("bitop not empty empty"), Int(0));
  EXPECT_EQ(Do("exists empty"), Int(0));
}

TEST_F(BitmapTest, BitOpRefusesBadArguments) {
  EXPECT_EQ(Do("bitop nand d a"), kSyntaxReply);
  EXPECT_EQ(Do("bitop '' d a"), kSyntaxReply);
  EXPECT_EQ(Do("bitop NOT d a b"),
            "-ERR BITOP NOT must be called with a single source key.\r\n");
  Do("set d before");
  Do("rpush list a");
  EXPECT_EQ(Do("bitop or d nosuch list"), kWrongTypeReply);
  EXPECT_EQ(Do("bitop or list list"), kWrongTypeReply);
  EXPECT_EQ(Do("get d"), Bulk("before"));
}

TEST_F(BitmapTest, BitOpTellsOfExpiredSourcesFirst) {
  Do("set a aa PX 1000");
  Do("set b b");
  Advance(absl::Seconds(2));
  EXPECT_EQ(EffectsOf("bitop or d a b"), "MULTI; DEL a; bitop or d a b; EXEC");
  EXPECT_EQ(Do("get d"), Bulk("b"));
}

// --- BITFIELD ---

TEST_F(BitmapTest, BitFieldReadsAndWrites) {
  EXPECT_EQ(Do("bitfield k set i8 0 100 get i8 0 get u4 0 incrby u2 6 1"),
            Array({0, 100, 6, 1}));
  EXPECT_EQ(Do("bitfield k get i5 #1"), Array({-12}));
  EXPECT_EQ(Do("bitfield k set i64 #0 -1 get u63 1"),
            Array({7277816997830721536, 9223372036854775807}));
  EXPECT_EQ(Do("bitfield k"), "*0\r\n");
  EXPECT_EQ(Do("bitfield nosuch get i64 4294967295"), Array({0}));
  EXPECT_EQ(Do("exists nosuch"), Int(0));
  Do("set n 12");
  EXPECT_EQ(Do("bitfield n get u8 0 get u8 8 get u8 16"), Array({49, 50, 0}));
  EXPECT_EQ(Do("object encoding n"), Bulk("int"));
}

TEST_F(BitmapTest, BitFieldOverflowHoldsForWhatFollows) {
  EXPECT_EQ(
      Do("bitfield k incrby u8 0 300 overflow sat incrby u8 8 300 set i8 "
         "16 200 overflow fail incrby u8 24 300 overflow wrap set u8 24 "
         "257"),
      absl::StrCat("*5\r\n", Int(44), Int(255), Int(0), kNullReply, Int(0)));
  EXPECT_EQ(Do("get k"), Bulk("\x2c\xff\x7f\x01"));
}

TEST_F(BitmapTest, BitFieldNullIsRespThreesOwn) {
  session_.protocol.store(3);
  EXPECT_EQ(Do("bitfield k overflow fail incrby u1 0 2 get u8 0"),
            "*2\r\n_\r\n:0\r\n");
}

TEST_F(BitmapTest, BitFieldRefusesBadArguments) {
  for (const char* type :
       {"", "u", "i", "u0", "i0", "u64", "i65", "i-1", "x8", "8", "U8", "I8",
        "i 8", "i08", "u9223372036854775808"}) {
    EXPECT_EQ(Do({"bitfield", "k", "get", type, "0"}), kFieldTypeReply) << type;
    EXPECT_EQ(Do({"bitfield", "k", "set", type, "x", "y"}), kFieldTypeReply);
  }
  for (const char* offset :
       {"", "x", "-1", "#", "##1", "#-1", "#x", "4294967296", "#536870912",
        "#9223372036854775807", "#1152921504606846976"}) {
    EXPECT_EQ(Do({"bitfield", "k", "get", "u8", offset}), kOffsetReply)
        << offset;
    EXPECT_EQ(Do({"bitfield", "k", "set", "u8", offset, "y"}), kOffsetReply);
  }
  EXPECT_EQ(Do("bitfield k set u8 0 x"), kNotIntegerReply);
  EXPECT_EQ(Do("bitfield k incrby u8 0 9223372036854775808"), kNotIntegerReply);
  for (const char* line :
       {"bitfield k get", "bitfield k get u8", "bitfield k set u8 0",
        "bitfield k incrby u8 0", "bitfield k overflow", "bitfield k x",
        "bitfield k get u8 0 0"}) {
    EXPECT_EQ(Do(line), kSyntaxReply) << line;
  }
  EXPECT_EQ(Do("bitfield k overflow x"),
            "-ERR Invalid OVERFLOW type specified\r\n");
  EXPECT_EQ(Do("bitfield k set u8 0 1 get u8 x"), kOffsetReply);
  EXPECT_EQ(Do("exists k"), Int(0)) << "all is looked at first";
  Do("rpush list a");
  EXPECT_EQ(Do("bitfield list get u8 0"), kWrongTypeReply);
  EXPECT_EQ(Do("bitfield list set u8 0 1"), kWrongTypeReply);
  EXPECT_EQ(Do("bitfield list"), kWrongTypeReply);
}

TEST_F(BitmapTest, BitFieldThatChangesNothingIsNoChange) {
  EXPECT_EQ(EffectsOf("bitfield k get u8 0"), "");
  EXPECT_EQ(EffectsOf("bitfield k set u8 0 0"), "bitfield k set u8 0 0");
  EXPECT_EQ(EffectsOf("bitfield k set u8 0 0 incrby u8 0 0"), "");
  EXPECT_EQ(EffectsOf("bitfield k incrby u8 0 1"), "bitfield k incrby u8 0 1");
  EXPECT_EQ(EffectsOf("bitfield k overflow fail incrby u8 0 255"), "");
  // Redis would keep this from its replicas.
  EXPECT_EQ(EffectsOf("bitfield new overflow fail incrby u8 0 256"),
            "bitfield new overflow fail incrby u8 0 256");
  EXPECT_EQ(Do("strlen new"), Int(1));
}

TEST_F(BitmapTest, BitFieldRoOnlyReads) {
  Do("set k a");
  EXPECT_EQ(Do("bitfield_ro k get u8 0 get u4 4"), Array({97, 1}));
  EXPECT_EQ(Do("bitfield_ro k overflow sat get u8 0"), Array({97}));
  EXPECT_EQ(Do("bitfield_ro k set u8 0 1 get u8 0"),
            "-ERR BITFIELD_RO only supports the GET subcommand\r\n");
  EXPECT_EQ(Do("bitfield_ro k incrby u8 0 x"), kNotIntegerReply);
  BecomeReplica(true);
  EXPECT_EQ(Do("bitfield_ro k get u8 0"), Array({97}));
  EXPECT_EQ(Do("bitfield k get u8 0"),
            "-READONLY You can't write against a read only replica.\r\n");
  BecomeReplica(false);
}

}  // namespace
}  // namespace holdfast::server
