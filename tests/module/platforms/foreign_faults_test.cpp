// Foreign models that break the protocol, fall silent or talk too much: each is named, the run ends in bounded simulated time
// although a clock goes on beside it, and whoever waits is told.
#include "support/foreign_models.h"

namespace {

using namespace cowosim;
using namespace cowosim::test;
using testing::HasSubstr;

constexpr std::uint64_t kBase = 256ull << 30;

/// Calls whatever a test wants to be called.
class RawTarget : public sc_core::sc_module {
 public:
  explicit RawTarget(const sc_core::sc_module_name& name) : sc_module(name) {
    socket.register_nb_transport_fw(this, &RawTarget::forward);
    socket.register_b_transport(this, &RawTarget::blocking);
  }
  tlm_utils::simple_target_socket<RawTarget> socket{"socket"};
  std::function<tlm::tlm_sync_enum(Payload&, tlm::tlm_phase&, sc_core::sc_time&)> on_forward;
  std::function<void(Payload&, sc_core::sc_time&)> on_blocking;
  tlm::tlm_sync_enum answer(Payload& payload, tlm::tlm_phase phase) {
    sc_core::sc_time delay;
    return socket->nb_transport_bw(payload, phase, delay);
  }

 private:
  tlm::tlm_sync_enum forward(Payload& payload, tlm::tlm_phase& phase, sc_core::sc_time& delay) {
    return phase == tlm::END_RESP ? tlm::TLM_COMPLETED : on_forward(payload, phase, delay);
  }
  void blocking(Payload& payload, sc_core::sc_time& delay) { on_blocking(payload, delay); }
};

class RawInitiator : public sc_core::sc_module, public tlm::tlm_mm_interface {
 public:
  RawInitiator(const sc_core::sc_module_name& name, std::function<void(RawInitiator&)> body)
      : sc_module(name), body_(std::move(body)) {
    socket.register_nb_transport_bw(this, &RawInitiator::backward);
    SC_HAS_PROCESS(RawInitiator);
    SC_THREAD(run);
  }
  tlm_utils::simple_initiator_socket<RawInitiator> socket{"socket"};
  std::function<tlm::tlm_sync_enum(Payload&, tlm::tlm_phase&)> on_backward = [](Payload&, tlm::tlm_phase&) {
    return tlm::TLM_ACCEPTED;
  };
  Payload& make(std::uint64_t address) {
    all_.push_back(std::make_unique<Payload>(this));
    Payload& payload = *all_.back();
    payload.acquire();
    payload.set_read();
    payload.set_address(address);
    payload.set_data_ptr(bytes_);
    payload.set_data_length(32);
    payload.set_streaming_width(32);
    return payload;
  }
  tlm::tlm_sync_enum begin(Payload& payload) {
    tlm::tlm_phase phase = tlm::BEGIN_REQ;
    sc_core::sc_time delay;
    return socket->nb_transport_fw(payload, phase, delay);
  }
  void free(Payload*) override {}

 private:
  void run() { body_(*this); }
  tlm::tlm_sync_enum backward(Payload& payload, tlm::tlm_phase& phase, sc_core::sc_time&) {
    return on_backward(payload, phase);
  }
  std::function<void(RawInitiator&)> body_;
  std::vector<std::unique_ptr<Payload>> all_;
  unsigned char bytes_[64] = {};
};

/// A package with a victim that reads from `address` again and again, blocking, until it is told that something is wrong; and a
/// clock that never stops.
struct Scene {
  explicit Scene(const std::string& foreign, std::uint64_t address)
      : package("package_0", options_of(foreign)),
        victim("victim",
               [this, address](Thread& self) {
                 while (told == tlm::TLM_OK_RESPONSE && now_ns() < 200'000) {
                   unsigned char bytes[4] = {};
                   told = self.read(address, bytes, 4);
                   ++reads;
                 }
                 told_at = now_ns();
               }),
        neighbour("neighbour", package) {
    victim.socket.bind(package.target_socket("victim"));
  }
  static RunOptions options_of(const std::string& foreign) {
    RunOptions options = platform("extends: h100_sxm5\nforeign:\n  victim: {at: die_0}\n" + foreign);
    options.stall_limit = 20 * kMicrosecond;
    return options;
  }
  std::string everything() const {
    std::string all = package.reason();
    for (const std::string& violation : package.violations()) all += "\n" + violation;
    for (const engine::Wait& wait : package.waits())
      all += "\n" + wait.waiter + " " + wait.waits_for + " " + wait.reason;
    return all;
  }
  /// Runs; the model named `villain` is to blame.
  void expect_caught(engine::Status status, const std::string& villain, const std::string& what) {
    sc_core::sc_start();
    EXPECT_EQ(package.status(), status) << everything();
    EXPECT_THAT(everything(), HasSubstr("foreign model " + villain));
    EXPECT_THAT(everything(), HasSubstr(what));
    EXPECT_EQ(told, tlm::TLM_GENERIC_ERROR_RESPONSE);
    EXPECT_LT(told_at, 100'000) << "ns, at a stall limit of 20 us";
    EXPECT_NO_THROW(package.rethrow());
  }
  Package package;
  tlm::tlm_response_status told = tlm::TLM_OK_RESPONSE;
  double told_at = 0;
  int reads = 0;
  Thread victim;
  Neighbour neighbour;
};

std::string device(const std::string& transport = "nonblocking") {
  return "  villain: {role: target, at: die_0, base: 256GiB, size: 4KiB, transport: " + transport + "}\n";
}
struct TargetScene : Scene {
  explicit TargetScene(const std::string& transport = "nonblocking")
      : Scene(device(transport), kBase), target("target") {
    package.initiator_socket("villain").bind(target.socket);
  }
  RawTarget target;
};

TEST(ForeignFaults, ATargetThatNeverAnswers) {
  TargetScene scene;
  scene.target.on_forward = [](Payload&, tlm::tlm_phase& phase, sc_core::sc_time&) {
    phase = tlm::END_REQ;
    return tlm::TLM_UPDATED;
  };
  scene.expect_caught(engine::Status::deadlock, "villain", "BEGIN_RESP");
}
TEST(ForeignFaults, ATargetThatNeverSendsEndReq) {
  TargetScene scene;
  scene.target.on_forward = [](Payload&, tlm::tlm_phase&, sc_core::sc_time&) { return tlm::TLM_ACCEPTED; };
  scene.expect_caught(engine::Status::deadlock, "villain", "END_REQ");
}
TEST(ForeignFaults, ATargetThatNeverReturns) {
  TargetScene scene("blocking");
  sc_core::sc_event never;
  scene.target.on_blocking = [&](Payload&, sc_core::sc_time&) { sc_core::wait(never); };
  scene.expect_caught(engine::Status::deadlock, "villain", "no answer");
}
TEST(ForeignFaults, ATargetThatReturnsTooLateWritesIntoNobodysMemory) {
  TargetScene scene("blocking");
  scene.target.on_blocking = [&](Payload& payload, sc_core::sc_time&) {
    sc_core::wait(ns(60'000));
    std::memset(payload.get_data_ptr(), 0xEE, payload.get_data_length());
    payload.set_response_status(tlm::TLM_OK_RESPONSE);
  };
  scene.expect_caught(engine::Status::deadlock, "villain", "no answer");
}
TEST(ForeignFaults, ASilentTargetAmongBusyModels) {
  // An initiator goes on and on: the package is never idle, and the silent one is found all the same.
  const std::string both = device() + "  busy: {at: die_0}\n";
  Scene scene(both, kBase);
  RawTarget target("target");
  scene.package.initiator_socket("villain").bind(target.socket);
  target.on_forward = [](Payload&, tlm::tlm_phase&, sc_core::sc_time&) { return tlm::TLM_ACCEPTED; };
  int accesses = 0;
  Thread busy("busy", [&](Thread& self) {
    unsigned char bytes[4] = {};
    while (self.read(0, bytes, 4) == tlm::TLM_OK_RESPONSE) ++accesses;
  });
  busy.socket.bind(scene.package.target_socket("busy"));
  scene.expect_caught(engine::Status::deadlock, "villain", "END_REQ");
  EXPECT_GT(accesses, 20);
}
TEST(ForeignFaults, ATargetThatAnswersTwice) {
  TargetScene scene;
  scene.target.on_forward = [&](Payload& payload, tlm::tlm_phase&, sc_core::sc_time&) {
    payload.set_response_status(tlm::TLM_OK_RESPONSE);
    scene.target.answer(payload, tlm::BEGIN_RESP);
    scene.target.answer(payload, tlm::BEGIN_RESP);
    return tlm::TLM_ACCEPTED;
  };
  scene.expect_caught(engine::Status::broken, "villain", "call after TLM_COMPLETED");
}
TEST(ForeignFaults, ATargetThatAnswersTwiceAndLate) {
  TargetScene scene;
  Payload* last = nullptr;
  scene.target.on_forward = [&](Payload& payload, tlm::tlm_phase& phase, sc_core::sc_time&) {
    payload.set_response_status(tlm::TLM_OK_RESPONSE);
    if (scene.reads == 3 && last != nullptr) scene.target.answer(*last, tlm::BEGIN_RESP);
    last = &payload;
    phase = tlm::BEGIN_RESP;
    return tlm::TLM_UPDATED;
  };
  scene.expect_caught(engine::Status::broken, "villain", "second answer");
}
TEST(ForeignFaults, ATargetThatAnswersWhatItWasNotAsked) {
  TargetScene scene;
  Payload own;
  unsigned char bytes[4] = {};
  own.set_data_ptr(bytes);
  own.set_data_length(4);
  own.set_read();
  scene.target.on_forward = [&](Payload&, tlm::tlm_phase&, sc_core::sc_time&) {
    scene.target.answer(own, tlm::BEGIN_RESP);
    return tlm::TLM_ACCEPTED;
  };
  scene.expect_caught(engine::Status::broken, "villain", "unknown transaction");
}
TEST(ForeignFaults, ATargetThatSetsNoStatus) {
  TargetScene scene;
  scene.target.on_forward = [&](Payload&, tlm::tlm_phase&, sc_core::sc_time&) { return tlm::TLM_COMPLETED; };
  scene.expect_caught(engine::Status::broken, "villain", "response status not set");
}
TEST(ForeignFaults, ATargetsErrorsReachWhoeverAsked) {
  TargetScene scene("blocking");
  scene.target.on_blocking = [&](Payload& payload, sc_core::sc_time&) {
    payload.set_response_status(scene.reads < 5 ? tlm::TLM_OK_RESPONSE : tlm::TLM_COMMAND_ERROR_RESPONSE);
  };
  Thread stopper("stopper", [&](Thread&) {
    wait(ns(50'000));
    scene.package.stop();
  });
  RawTarget unused("unused");
  stopper.socket.bind(unused.socket);
  sc_core::sc_start();
  expect_clean(scene.package);
  EXPECT_EQ(scene.told, tlm::TLM_COMMAND_ERROR_RESPONSE);
  EXPECT_EQ(scene.reads, 6);
}

struct InitiatorScene : Scene {
  InitiatorScene(const std::string& more, std::function<void(RawInitiator&)> body)
      : Scene("  villain: {at: die_0" + more + "}\n", 0), initiator("initiator", std::move(body)) {
    initiator.socket.bind(package.target_socket("villain"));
  }
  RawInitiator initiator;
};

TEST(ForeignFaults, AnInitiatorThatNeverSendsEndResp) {
  InitiatorScene scene("", [](RawInitiator& self) { self.begin(self.make(0)); });
  scene.expect_caught(engine::Status::deadlock, "villain", "END_RESP");
}
TEST(ForeignFaults, AnInitiatorThatNeverSendsEndRespThoughManyWait) {
  InitiatorScene scene("", [](RawInitiator& self) {
    for (unsigned i = 0; i < 20; ++i) {
      self.begin(self.make(64 * i));
      wait(ns(5));
    }
  });
  scene.expect_caught(engine::Status::deadlock, "villain", "19 more responses wait behind it");
}
TEST(ForeignFaults, AnInitiatorThatNeverSendsEndRespAlone) {
  // Nothing else is under way, and the victim is done: still somebody owes something.
  Package package("package_0", Scene::options_of("  villain: {at: die_0}\n"));
  Thread victim("victim", [](Thread& self) {
    unsigned char bytes[4] = {};
    self.read(0, bytes, 4);
  });
  victim.socket.bind(package.target_socket("victim"));
  RawInitiator initiator("initiator", [](RawInitiator& self) { self.begin(self.make(0)); });
  initiator.socket.bind(package.target_socket("villain"));
  Neighbour neighbour("neighbour", package);
  sc_core::sc_start();
  EXPECT_EQ(package.status(), engine::Status::deadlock);
  EXPECT_THAT(package.reason(), HasSubstr("END_RESP of foreign model villain"));
}
TEST(ForeignFaults, AnInitiatorThatBreaksTheExclusionRule) {
  InitiatorScene scene(", accept_delay: 10ns", [](RawInitiator& self) {
    self.begin(self.make(0));
    self.begin(self.make(64));
  });
  scene.expect_caught(engine::Status::broken, "villain", "request exclusion");
}
TEST(ForeignFaults, AnInitiatorThatUsesAPayloadAgainInFlight) {
  InitiatorScene scene("", [](RawInitiator& self) {
    Payload& payload = self.make(0);
    self.begin(payload);
    wait(ns(20));
    self.begin(payload);
  });
  scene.expect_caught(engine::Status::broken, "villain", "BEGIN_REQ in flight");
}
TEST(ForeignFaults, AnInitiatorThatChangesAPayloadInFlight) {
  InitiatorScene scene("", [](RawInitiator& self) {
    Payload& payload = self.make(0);
    self.begin(payload);
    wait(ns(20));
    payload.set_data_length(8);
  });
  scene.expect_caught(engine::Status::broken, "villain", "attribute modified in flight");
}
TEST(ForeignFaults, AnInitiatorWithoutMemoryManager) {
  InitiatorScene scene("", [](RawInitiator& self) {
    unsigned char bytes[4] = {};
    {
      Payload payload;
      payload.set_read();
      payload.set_data_ptr(bytes);
      payload.set_data_length(4);
      payload.set_streaming_width(4);
      self.begin(payload);
    }  // gone
    wait(ns(1'000'000));
  });
  scene.expect_caught(engine::Status::broken, "villain", "no memory manager");
}
TEST(ForeignFaults, AnInitiatorThatSendsPhasesOfTheOtherSide) {
  InitiatorScene scene("", [](RawInitiator& self) {
    Payload& payload = self.make(0);
    self.begin(payload);
    tlm::tlm_phase phase = tlm::BEGIN_RESP;
    sc_core::sc_time delay;
    self.socket->nb_transport_fw(payload, phase, delay);
  });
  scene.expect_caught(engine::Status::broken, "villain", "phase of the other side");
}
TEST(ForeignFaults, AnInitiatorThatEndsWhatIsNotAnswered) {
  InitiatorScene scene("", [](RawInitiator& self) {
    Payload& payload = self.make(0);
    self.begin(payload);
    tlm::tlm_phase phase = tlm::END_RESP;
    sc_core::sc_time delay;
    self.socket->nb_transport_fw(payload, phase, delay);
  });
  scene.expect_caught(engine::Status::broken, "villain", "phase out of order");
}

TEST(ForeignFaults, AfterTheEndNobodyHangs) {
  // Who ignores errors and asks again and again must not hold time.
  Package package("package_0", platform("extends: reference/hbm3_6400\nforeign: {cpu: {at: hbm}}\n"));
  std::uint64_t accesses = 0;
  Thread stubborn("stubborn", [&](Thread& self) {
    unsigned char bytes[4] = {};
    for (;; ++accesses) self.read(0, bytes, 4);
  });
  stubborn.socket.bind(package.target_socket("cpu"));
  sc_core::sc_start(ns(5'000));
  package.stop();
  EXPECT_EQ(package.status(), engine::Status::interrupted) << "a read is under way";
  const std::uint64_t before = accesses;
  sc_core::sc_start(ns(5'000));
  EXPECT_GT(accesses, before);
  EXPECT_LT(accesses, before + 100);
}

TEST(ForeignFaults, NothingIsFoundWhereNothingIsWrong) {  // negative control of the scene itself
  Scene scene("", 0);
  Thread stopper("stopper", [&](Thread&) {
    wait(ns(100'000));
    sc_core::sc_stop();
  });
  RawTarget unused("unused");
  stopper.socket.bind(unused.socket);
  sc_core::sc_start();
  EXPECT_GT(scene.reads, 100);
  EXPECT_EQ(scene.told, tlm::TLM_OK_RESPONSE);
  EXPECT_THAT(scene.package.violations(), testing::IsEmpty());
}

}  // namespace
