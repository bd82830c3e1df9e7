#include "net/client/resp_client.h"

#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "gtest/gtest.h"
#include "net/resp/input_buffer.h"
#include "net/resp/request_decoder.h"
#include "net/resp/value.h"
#include "net/socket/socket.h"
#include "net/socket/socket_stream.h"
#include "net/time/clock.h"
#include "net/time/deadline.h"

namespace holdfast::net {
namespace {

Deadline In(absl::Duration d) { return Deadline::After(Clock::Real(), d); }
Deadline Soon() { return In(absl::Milliseconds(20)); }
Deadline Late() { return In(absl::Seconds(60)); }

class RespClientTest : public testing::Test {
 protected:
  RespClientTest() {
    auto pair = Socket::Pair();
    EXPECT_TRUE(pair.ok());
    client_ = std::make_unique<RespClient>(
        std::make_unique<SocketStream>(std::move(pair->first)));
    server_ = std::make_unique<SocketStream>(std::move(pair->second));
  }

  // What the server sends.
  void Serve(absl::string_view bytes) {
    ASSERT_TRUE(server_->WriteAll(bytes, Late()).ok());
  }

  // What has arrived at the server, in one piece.
  std::string Received() {
    char area[4096];
    auto n = server_->ReadSome(absl::MakeSpan(area), Late());
    return n.ok() ? std::string(area, *n) : n.status().ToString();
  }

  std::unique_ptr<RespClient> client_;
  std::unique_ptr<SocketStream> server_;
};

TEST_F(RespClientTest, CallsAndReturnsTheReply) {
  Serve("+PONG\r\n-ERR no\r\n");
  EXPECT_EQ(client_->Call({"PING"}, Late()).value(),
            Value::SimpleString("PONG"));
  EXPECT_EQ(Received(), "*1\r\n$4\r\nPING\r\n");
  auto error = client_->Call({"NOPE", "x"}, Late());
  ASSERT_TRUE(error.ok());
  EXPECT_TRUE(error->is_error());
}

TEST_F(RespClientTest, Pipelines) {
  client_->Queue({"SET", "a", "1"});
  client_->Queue({"GET", "a"});
  ASSERT_TRUE(client_->Flush(Late()).ok());
  ASSERT_TRUE(client_->Flush(Late()).ok());  // Nothing more.
  EXPECT_EQ(Received(),
            "*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\n1\r\n"
            "*2\r\n$3\r\nGET\r\n$1\r\na\r\n");
  Serve("+OK\r\n$1\r\n1\r\n");
  EXPECT_TRUE(client_->Receive(Late())->is_ok());
  EXPECT_EQ(client_->Receive(Late())->str(), "1");
}

TEST_F(RespClientTest, ADeadlineLosesNothing) {
  Serve("$10\r\n0123");
  EXPECT_TRUE(absl::IsDeadlineExceeded(client_->Receive(Soon()).status()));
  Serve("456789\r");
  EXPECT_TRUE(absl::IsDeadlineExceeded(client_->Receive(Soon()).status()));
  Serve("\n");
  EXPECT_EQ(client_->Receive(Late())->str(), "0123456789");
}

TEST_F(RespClientTest, BytesBehindAReplyStay) {
  Serve("+FULLRESYNC 0123 77\r\n\n\n$9\r\nREDIS0009");
  EXPECT_EQ(client_->Receive(Late())->str(), "FULLRESYNC 0123 77");
  EXPECT_EQ(client_->ReadLine(Late()).value(), "");
  EXPECT_EQ(client_->ReadLine(Late()).value(), "");
  EXPECT_EQ(client_->ReadLine(Late()).value(), "$9");
  EXPECT_EQ(client_->buffer().readable(), "REDIS0009");
  client_->buffer().Consume(9);
  // And back to replies.
  Serve("*1\r\n:5\r\n");
  EXPECT_EQ(client_->Receive(Late())->elements()[0].integer(), 5);
}

TEST_F(RespClientTest, LinesMayFollowAHalfReceivedReply) {
  Serve("+CONT");
  EXPECT_TRUE(absl::IsDeadlineExceeded(client_->Receive(Soon()).status()));
  Serve("INUE\r\n+\r\n");
  EXPECT_EQ(client_->ReadLine(Late()).value(), "+CONTINUE");
  EXPECT_EQ(client_->Receive(Late()).value(), Value::SimpleString(""));
}

TEST_F(RespClientTest, ALineInPiecesIsOneLine) {
  std::thread server([this] {
    for (char c : std::string("hello\r\n")) {
      ASSERT_TRUE(server_->WriteAll(absl::string_view(&c, 1), Late()).ok());
    }
  });
  EXPECT_EQ(client_->ReadLine(Late()).value(), "hello");
  server.join();
}

TEST_F(RespClientTest, PushesDoNotPassForReplies) {
  Serve(">2\r\n+invalidate\r\n*0\r\n+PONG\r\n>1\r\n+x\r\n:1\r\n");
  std::vector<Value> pushes;
  client_->set_push_handler([&](Value v) { pushes.push_back(std::move(v)); });
  EXPECT_EQ(client_->Call({"PING"}, Late())->str(), "PONG");
  EXPECT_EQ(pushes.size(), 1u);
  EXPECT_TRUE(client_->Receive(Late())->is_push());  // Receive() takes all.
  EXPECT_EQ(client_->ReceiveReply(Late())->integer(), 1);
}

TEST_F(RespClientTest, TheEndIsUnavailableAlsoInAReply) {
  Serve("*2\r\n:1\r\n");
  server_.reset();
  EXPECT_TRUE(absl::IsUnavailable(client_->Receive(Late()).status()));
  EXPECT_TRUE(absl::IsUnavailable(client_->Receive(Late()).status()));
}

TEST_F(RespClientTest, GarbageIsDataLossForGood) {
  Serve("HTTP/1.1 400 Bad Request\r\n+OK\r\n");
  EXPECT_TRUE(absl::IsDataLoss(client_->Call({"PING"}, Late()).status()));
  EXPECT_TRUE(absl::IsDataLoss(client_->Receive(Late()).status()));
}

TEST_F(RespClientTest, ALineWithoutEndIsDataLoss) {
  std::thread server([this] {
    (void)server_->WriteAll(std::string(RespClient::kMaxLine + 1, 'x'), Late());
  });
  EXPECT_TRUE(absl::IsDataLoss(client_->ReadLine(Late()).status()));
  server.join();
}

TEST_F(RespClientTest, ShutdownEndsAReceive) {
  std::thread receiver([this] {
    EXPECT_TRUE(
        absl::IsCancelled(client_->Receive(Deadline::Never()).status()));
  });
  client_->Shutdown();
  receiver.join();
  EXPECT_TRUE(absl::IsCancelled(client_->Send({"PING"}, Late())));
}

TEST_F(RespClientTest, FillTellsTheEnd) {
  Serve("abc");
  EXPECT_EQ(client_->Fill(Late()).value(), 3u);
  EXPECT_EQ(client_->buffer().readable(), "abc");
  server_.reset();
  EXPECT_EQ(client_->Fill(Late()).value(), 0u);
}

// Client and server side of this library against each other.
TEST_F(RespClientTest, SpeaksWithTheRequestDecoder) {
  std::thread server([this] {
    InputBuffer buf;
    RequestDecoder decoder;
    int served = 0;
    while (served < 200) {
      switch (decoder.Next(&buf)) {
        case RequestDecoder::Result::kCommand: {
          ++served;
          std::string reply = "$" + std::to_string(decoder.args()[1].size()) +
                              "\r\n" + std::string(decoder.args()[1]) + "\r\n";
          ASSERT_TRUE(server_->WriteAll(reply, Late()).ok());
          break;
        }
        case RequestDecoder::Result::kNeedMore: {
          auto n =
              server_->ReadSome(buf.WriteArea(decoder.bytes_wanted()), Late());
          ASSERT_TRUE(n.ok());
          ASSERT_GT(*n, 0u);
          buf.Commit(*n);
          break;
        }
        default:
          FAIL();
      }
    }
  });
  for (int i = 0; i < 200; ++i) {
    const std::string text(i * 300, static_cast<char>('a' + i % 26));
    auto reply = client_->Call({"ECHO", text}, Late());
    ASSERT_TRUE(reply.ok()) << reply.status();
    ASSERT_EQ(reply->str(), text);
  }
  server.join();
}

}  // namespace
}  // namespace holdfast::net
