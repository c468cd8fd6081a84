// Every rule of the base-protocol checker has a case here that breaks exactly it and says who did; what is legal goes
// through without a word. Both sides are played by the test, in a thread, so that time can pass.
#include "kernel/base_protocol_checker.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>

namespace cowosim::kernel {
namespace {

using sc_core::SC_NS;
using sc_core::sc_time;
using sc_core::SC_ZERO_TIME;
using testing::HasSubstr;
using testing::StartsWith;
using tlm::BEGIN_REQ;
using tlm::BEGIN_RESP;
using tlm::END_REQ;
using tlm::END_RESP;
using tlm::TLM_ACCEPTED;
using tlm::TLM_COMPLETED;
using tlm::tlm_phase;
using tlm::tlm_sync_enum;
using tlm::TLM_UPDATED;
using Payload = tlm::tlm_generic_payload;
using Rule = BaseProtocolChecker::Rule;

TLM_DECLARE_EXTENDED_PHASE(first_beat);

constexpr const char* kInitiator = "top.cpu.socket";
constexpr const char* kTarget = "top.memory.socket";

/// What a callee does with its arguments.
using Callee = std::function<tlm_sync_enum(tlm_phase&, sc_time&)>;
tlm_sync_enum accept(tlm_phase&, sc_time&) { return TLM_ACCEPTED; }
tlm_sync_enum complete(tlm_phase&, sc_time&) { return TLM_COMPLETED; }
Callee update(const tlm_phase& to, sc_time more = SC_ZERO_TIME) {
  return [=](tlm_phase& phase, sc_time& delay) {
    phase = to;
    delay += more;
    return TLM_UPDATED;
  };
}

struct Pool : tlm::tlm_mm_interface {
  void free(Payload* gp) override { gp->reset(); }
};

/// A binding of which the test plays both sides.
class Bench {
 public:
  /// A read that may be sent as it is.
  Payload& make(tlm::tlm_command command = tlm::TLM_READ_COMMAND) {
    Payload& gp = payloads_.emplace_back(&pool_);
    gp.acquire();
    gp.set_command(command);
    gp.set_address(0x1000 * payloads_.size());
    gp.set_data_ptr(data_);
    gp.set_data_length(sizeof data_);
    gp.set_streaming_width(sizeof data_);
    return gp;
  }
  tlm_sync_enum fw(Payload& gp, tlm_phase phase, const Callee& callee = accept, sc_time delay = SC_ZERO_TIME) {
    checker.fw_begin(gp, phase, delay);
    const tlm_sync_enum status = callee(phase, delay);
    checker.fw_end(gp, phase, delay, status);
    return status;
  }
  tlm_sync_enum bw(Payload& gp, tlm_phase phase, const Callee& callee = accept, sc_time delay = SC_ZERO_TIME) {
    checker.bw_begin(gp, phase, delay);
    const tlm_sync_enum status = callee(phase, delay);
    checker.bw_end(gp, phase, delay, status);
    return status;
  }
  void b(Payload& gp, const std::function<void(sc_time&)>& callee, sc_time delay = SC_ZERO_TIME) {
    checker.b_begin(gp, delay);
    callee(delay);
    checker.b_end(gp, delay);
  }
  unsigned debug(Payload& gp, const std::function<unsigned()>& callee) {
    checker.debug_begin(gp);
    const unsigned count = callee();
    checker.debug_end(gp, count);
    return count;
  }
  void dmi(Payload& gp, tlm::tlm_dmi dmi, const std::function<bool(tlm::tlm_dmi&)>& callee) {
    checker.dmi_begin(gp, dmi);
    const bool granted = callee(dmi);
    checker.dmi_end(gp, dmi, granted);
  }
  void dmi(Payload& gp, const std::function<bool(tlm::tlm_dmi&)>& callee) { dmi(gp, tlm::tlm_dmi(), callee); }
  Callee completed(Payload& gp, sc_time more = SC_ZERO_TIME) {
    return [&gp, more](tlm_phase&, sc_time& delay) {
      gp.set_response_status(tlm::TLM_OK_RESPONSE);
      delay += more;
      return TLM_COMPLETED;
    };
  }
  tlm_sync_enum respond(Payload& gp, const Callee& callee = accept, sc_time delay = SC_ZERO_TIME) {
    gp.set_response_status(tlm::TLM_OK_RESPONSE);
    return bw(gp, BEGIN_RESP, callee, delay);
  }
  /// As far as END_REQ, so that the next request may come.
  void start(Payload& gp) {
    fw(gp, BEGIN_REQ);
    bw(gp, END_REQ);
  }
  void four_phases(Payload& gp) {
    start(gp);
    respond(gp);
    fw(gp, END_RESP);
  }
  unsigned char* memory() { return data_; }

  std::vector<std::string> messages;
  BaseProtocolChecker checker{kInitiator, kTarget, [this](const std::string& text) { messages.push_back(text); }};

 private:
  Pool pool_;
  std::deque<Payload> payloads_;
  unsigned char data_[64] = {};
};

SC_MODULE(Process) {
  SC_HAS_PROCESS(Process);
  Process(const sc_core::sc_module_name& name, std::function<void()> body, bool method)
      : sc_module(name), body_(std::move(body)) {
    if (method) {
      SC_METHOD(run);
    } else {
      SC_THREAD(run);
    }
  }
  void run() { body_(); }

 private:
  std::function<void()> body_;
};

void simulate(const std::function<void()>& body, bool method = false) {
  Process process("process", body, method);
  sc_core::sc_start();
}

// ---- What breaks a rule

struct Fault {
  const char* label;
  Rule rule;
  const char* offender;
  void (*plant)(Bench&);
};
std::ostream& operator<<(std::ostream& out, const Fault& fault) { return out << fault.label; }

void with(Bench& b, const std::function<void(Payload&)>& change) {
  Payload& gp = b.make();
  change(gp);
  b.fw(gp, BEGIN_REQ);
}

bool grant(tlm::tlm_dmi& dmi, unsigned char* memory, sc_dt::uint64 start, sc_dt::uint64 end) {
  dmi.allow_read_write();
  dmi.set_dmi_ptr(memory);
  dmi.set_start_address(start);
  dmi.set_end_address(end);
  return true;
}

const Fault kFaults[] = {
    // Phases
    {"BeginRespForward", Rule::kWrongSender, kInitiator,
     [](Bench& b) {
       Payload& gp = b.make();
       b.start(gp);
       b.fw(gp, BEGIN_RESP);
     }},
    {"EndReqForward", Rule::kWrongSender, kInitiator,
     [](Bench& b) {
       Payload& gp = b.make();
       b.fw(gp, BEGIN_REQ);
       b.fw(gp, END_REQ);
     }},
    {"UninitializedPhase", Rule::kWrongSender, kInitiator,
     [](Bench& b) { b.fw(b.make(), tlm::UNINITIALIZED_PHASE); }},
    {"BeginReqBackward", Rule::kWrongSender, kTarget, [](Bench& b) { b.bw(b.make(), BEGIN_REQ); }},
    {"EndRespBackward", Rule::kWrongSender, kTarget,
     [](Bench& b) {
       Payload& gp = b.make();
       b.start(gp);
       b.respond(gp);
       b.bw(gp, END_RESP);
     }},
    {"EndRespReturnedForward", Rule::kWrongSender, kTarget,
     [](Bench& b) { b.fw(b.make(), BEGIN_REQ, update(END_RESP)); }},
    {"EndReqReturnedBackward", Rule::kWrongSender, kInitiator,
     [](Bench& b) {
       Payload& gp = b.make();
       b.start(gp);
       b.respond(gp, update(END_REQ));
     }},
    {"EndRespBeforeBeginResp", Rule::kPhaseOrder, kInitiator,
     [](Bench& b) {
       Payload& gp = b.make();
       b.start(gp);
       b.fw(gp, END_RESP);
     }},
    {"EndReqAfterBeginResp", Rule::kPhaseOrder, kTarget,
     [](Bench& b) {
       Payload& gp = b.make();
       b.fw(gp, BEGIN_REQ);
       b.respond(gp);
       b.bw(gp, END_REQ);
     }},
    {"EndReqAfterEndResp", Rule::kPhaseOrder, kTarget,
     [](Bench& b) {
       Payload& gp = b.make();
       b.four_phases(gp);
       b.bw(gp, END_REQ);
     }},
    {"EndRespReturnedAtEndReq", Rule::kPhaseOrder, kInitiator,
     [](Bench& b) {
       Payload& gp = b.make();
       b.fw(gp, BEGIN_REQ);
       b.bw(gp, END_REQ, update(END_RESP));
     }},
    {"EndReqTwice", Rule::kRepeatedPhase, kTarget,
     [](Bench& b) {
       Payload& gp = b.make();
       b.start(gp);
       b.bw(gp, END_REQ);
     }},
    {"EndReqReturnedAndSent", Rule::kRepeatedPhase, kTarget,
     [](Bench& b) {
       Payload& gp = b.make();
       b.fw(gp, BEGIN_REQ, update(END_REQ));
       b.bw(gp, END_REQ);
     }},
    {"EndRespTwice", Rule::kRepeatedPhase, kInitiator,
     [](Bench& b) {
       Payload& gp = b.make();
       b.four_phases(gp);
       b.fw(gp, END_RESP);
     }},
    {"EndRespReturnedAndSent", Rule::kRepeatedPhase, kInitiator,
     [](Bench& b) {
       Payload& gp = b.make();
       b.start(gp);
       b.respond(gp, update(END_RESP));
       b.fw(gp, END_RESP);
     }},
    {"ExtendedPhaseTwice", Rule::kRepeatedPhase, kInitiator,
     [](Bench& b) {
       Payload& gp = b.make();
       b.fw(gp, BEGIN_REQ);
       b.fw(gp, first_beat);
       b.fw(gp, first_beat);
     }},
    {"ExtendedPhaseBefore", Rule::kIgnorablePhase, kInitiator, [](Bench& b) { b.fw(b.make(), first_beat); }},
    {"ExtendedPhaseAfter", Rule::kIgnorablePhase, kTarget,
     [](Bench& b) {
       Payload& gp = b.make();
       b.four_phases(gp);
       b.bw(gp, first_beat);
     }},
    {"CompletedAtEndReq", Rule::kReturnStatus, kInitiator,
     [](Bench& b) {
       Payload& gp = b.make();
       b.fw(gp, BEGIN_REQ);
       b.bw(gp, END_REQ, complete);
     }},
    {"CompletedAtExtendedPhase", Rule::kReturnStatus, kTarget,
     [](Bench& b) {
       Payload& gp = b.make();
       b.start(gp);
       b.fw(gp, first_beat, complete);
     }},
    {"UpdatedAtEndResp", Rule::kReturnStatus, kTarget,
     [](Bench& b) {
       Payload& gp = b.make();
       b.start(gp);
       b.respond(gp);
       b.fw(gp, END_RESP, update(first_beat));
     }},
    {"NoReturnStatus", Rule::kReturnStatus, kTarget,
     [](Bench& b) {
       b.fw(b.make(), BEGIN_REQ, [](tlm_phase&, sc_time&) { return static_cast<tlm_sync_enum>(3); });
     }},
    {"UpdatedForwardWithoutPhase", Rule::kUpdatedWithoutPhase, kTarget,
     [](Bench& b) { b.fw(b.make(), BEGIN_REQ, update(BEGIN_REQ)); }},
    {"UpdatedBackwardWithoutPhase", Rule::kUpdatedWithoutPhase, kInitiator,
     [](Bench& b) {
       Payload& gp = b.make();
       b.start(gp);
       b.respond(gp, update(BEGIN_RESP));
     }},
    {"AcceptedForwardWithPhase", Rule::kAcceptedButChanged, kTarget,
     [](Bench& b) {
       b.fw(b.make(), BEGIN_REQ, [](tlm_phase& phase, sc_time&) {
         phase = END_REQ;
         return TLM_ACCEPTED;
       });
     }},
    {"AcceptedBackwardWithDelay", Rule::kAcceptedButChanged, kInitiator,
     [](Bench& b) {
       Payload& gp = b.make();
       b.start(gp);
       b.respond(gp, [](tlm_phase&, sc_time& delay) {
         delay += sc_time(1, SC_NS);
         return TLM_ACCEPTED;
       });
     }},
    {"EndRespAfterCompleted", Rule::kAfterCompleted, kInitiator,
     [](Bench& b) {
       Payload& gp = b.make();
       b.fw(gp, BEGIN_REQ, b.completed(gp));
       b.fw(gp, END_RESP);
     }},
    {"BeginRespAfterCompleted", Rule::kAfterCompleted, kTarget,
     [](Bench& b) {
       Payload& gp = b.make();
       b.fw(gp, BEGIN_REQ, b.completed(gp));
       b.respond(gp);
     }},
    {"EndRespAfterOwnCompleted", Rule::kAfterCompleted, kInitiator,
     [](Bench& b) {
       Payload& gp = b.make();
       b.start(gp);
       b.respond(gp, complete);
       b.fw(gp, END_RESP);
     }},
    {"ResponseOfNothing", Rule::kUnknownTransaction, kTarget, [](Bench& b) { b.respond(b.make()); }},
    {"EndReqOfNothing", Rule::kUnknownTransaction, kTarget, [](Bench& b) { b.bw(b.make(), END_REQ); }},
    {"EndRespOfNothing", Rule::kUnknownTransaction, kInitiator, [](Bench& b) { b.fw(b.make(), END_RESP); }},
    {"ResponseOfBlocking", Rule::kUnknownTransaction, kTarget,
     [](Bench& b) {
       Payload& gp = b.make();
       b.b(gp, [&](sc_time&) { gp.set_response_status(tlm::TLM_OK_RESPONSE); });
       b.bw(gp, BEGIN_RESP);
     }},
    {"BeginRespTwice", Rule::kAnswersTwice, kTarget,
     [](Bench& b) {
       Payload& gp = b.make();
       b.start(gp);
       b.respond(gp);
       b.respond(gp);
     }},
    {"BeginRespAfterTheEnd", Rule::kAnswersTwice, kTarget,
     [](Bench& b) {
       Payload& gp = b.make();
       b.four_phases(gp);
       b.respond(gp);
     }},
    {"BeginRespNestedAndCompleted", Rule::kAnswersTwice, kTarget,
     [](Bench& b) {
       Payload& gp = b.make();
       b.fw(gp, BEGIN_REQ, [&](tlm_phase&, sc_time&) {
         b.respond(gp);
         return TLM_COMPLETED;
       });
     }},
    {"BeginRespNestedAndReturned", Rule::kAnswersTwice, kTarget,
     [](Bench& b) {
       Payload& gp = b.make();
       b.fw(gp, BEGIN_REQ, [&](tlm_phase&, sc_time&) {
         b.respond(gp, complete);
         return TLM_COMPLETED;
       });
     }},
    {"BeginReqTwice", Rule::kBeginReqInFlight, kInitiator,
     [](Bench& b) {
       Payload& gp = b.make();
       b.start(gp);
       b.fw(gp, BEGIN_REQ);
     }},
    {"BackwardWithinForward", Rule::kNestedCall, kTarget,
     [](Bench& b) {
       Payload& gp = b.make();
       b.checker.set_checked(Rule::kNestedCall, true);
       b.fw(gp, BEGIN_REQ, [&](tlm_phase&, sc_time&) {
         b.respond(gp);
         return TLM_ACCEPTED;
       });
     }},
    {"ForwardWithinBackward", Rule::kNestedCall, kInitiator,
     [](Bench& b) {
       Payload& gp = b.make();
       b.checker.set_checked(Rule::kNestedCall, true);
       b.start(gp);
       b.respond(gp, [&](tlm_phase&, sc_time&) {
         b.fw(gp, END_RESP);
         return TLM_ACCEPTED;
       });
     }},
    {"BlockingWithinBackward", Rule::kNestedCall, kInitiator,
     [](Bench& b) {
       Payload& gp = b.make();
       Payload& other = b.make();
       b.checker.set_checked(Rule::kNestedCall, true);
       b.start(gp);
       b.respond(gp, [&](tlm_phase&, sc_time&) {
         b.b(other, [&](sc_time&) { other.set_response_status(tlm::TLM_OK_RESPONSE); });
         return TLM_ACCEPTED;
       });
     }},
    {"TargetWaits", Rule::kWaitInNonBlocking, kTarget,
     [](Bench& b) {
       b.fw(b.make(), BEGIN_REQ, [](tlm_phase&, sc_time&) {
         sc_core::wait(1, SC_NS);
         return TLM_ACCEPTED;
       });
     }},
    {"InitiatorWaits", Rule::kWaitInNonBlocking, kInitiator,
     [](Bench& b) {
       Payload& gp = b.make();
       b.start(gp);
       b.respond(gp, [](tlm_phase&, sc_time&) {
         sc_core::wait(SC_ZERO_TIME);
         return TLM_ACCEPTED;
       });
     }},
    {"TwoRequests", Rule::kRequestExclusion, kInitiator,
     [](Bench& b) {
       b.fw(b.make(), BEGIN_REQ);
       b.fw(b.make(), BEGIN_REQ);
     }},
    {"TwoResponses", Rule::kResponseExclusion, kTarget,
     [](Bench& b) {
       Payload& first = b.make();
       Payload& second = b.make();
       b.start(first);
       b.start(second);
       b.respond(first);
       b.respond(second);
     }},
    {"TwoResponsesOneReturned", Rule::kResponseExclusion, kTarget,
     [](Bench& b) {
       Payload& first = b.make();
       Payload& second = b.make();
       b.start(first);
       b.respond(first);
       second.set_response_status(tlm::TLM_INCOMPLETE_RESPONSE);
       b.fw(second, BEGIN_REQ, [&](tlm_phase& phase, sc_time&) {
         second.set_response_status(tlm::TLM_OK_RESPONSE);
         phase = BEGIN_RESP;
         return TLM_UPDATED;
       });
     }},
    {"CompletedDuringAResponse", Rule::kCompletedInResponse, kTarget,
     [](Bench& b) {
       Payload& first = b.make();
       Payload& second = b.make();
       b.start(first);
       b.respond(first);
       b.fw(second, BEGIN_REQ, b.completed(second));
     }},
    {"ResponseBeforeItsRequest", Rule::kTimeDecreases, kTarget,
     [](Bench& b) {
       Payload& gp = b.make();
       b.fw(gp, BEGIN_REQ, update(END_REQ, sc_time(10, SC_NS)));
       sc_core::wait(9, SC_NS);
       b.respond(gp);
     }},
    {"ReturnBeforeItsCall", Rule::kTimeDecreases, kTarget,
     [](Bench& b) {
       b.fw(
           b.make(), BEGIN_REQ,
           [](tlm_phase& phase, sc_time& delay) {
             phase = END_REQ;
             delay = sc_time(4, SC_NS);
             return TLM_UPDATED;
           },
           sc_time(5, SC_NS));
     }},
    {"EndRespBeforeBeginRespInTime", Rule::kTimeDecreases, kInitiator,
     [](Bench& b) {
       Payload& gp = b.make();
       b.start(gp);
       b.respond(gp, accept, sc_time(5, SC_NS));
       b.fw(gp, END_RESP);
     }},
    {"InitiatorReturnsBeforeItsCall", Rule::kTimeDecreases, kInitiator,
     [](Bench& b) {
       Payload& gp = b.make();
       b.start(gp);
       b.respond(
           gp,
           [](tlm_phase&, sc_time& delay) {
             delay = SC_ZERO_TIME;
             return TLM_COMPLETED;
           },
           sc_time(5, SC_NS));
     }},
    {"BlockingReturnsBeforeItsCall", Rule::kTimeDecreases, kTarget,
     [](Bench& b) {
       Payload& gp = b.make();
       b.b(
           gp,
           [&](sc_time& delay) {
             gp.set_response_status(tlm::TLM_OK_RESPONSE);
             sc_core::wait(3, SC_NS);
             delay = SC_ZERO_TIME;
           },
           sc_time(5, SC_NS));
     }},
    // Attributes
    {"NoCommand", Rule::kCommand, kInitiator,
     [](Bench& b) { with(b, [](Payload& gp) { gp.set_command(static_cast<tlm::tlm_command>(3)); }); }},
    {"NullData", Rule::kDataPointer, kInitiator,
     [](Bench& b) { with(b, [](Payload& gp) { gp.set_data_ptr(nullptr); }); }},
    {"NullDataInBlocking", Rule::kDataPointer, kInitiator,
     [](Bench& b) {
       Payload& gp = b.make();
       gp.set_data_ptr(nullptr);
       b.b(gp, [&](sc_time&) { gp.set_response_status(tlm::TLM_OK_RESPONSE); });
     }},
    {"NoLength", Rule::kDataLength, kInitiator, [](Bench& b) { with(b, [](Payload& gp) { gp.set_data_length(0); }); }},
    {"ByteEnableOne", Rule::kByteEnableValue, kInitiator,
     [](Bench& b) {
       static unsigned char enable[] = {TLM_BYTE_ENABLED, 1};
       with(b, [](Payload& gp) {
         gp.set_byte_enable_ptr(enable);
         gp.set_byte_enable_length(2);
       });
     }},
    {"ByteEnableWithoutLength", Rule::kByteEnableLength, kInitiator,
     [](Bench& b) {
       static unsigned char enable[] = {TLM_BYTE_ENABLED};
       with(b, [](Payload& gp) { gp.set_byte_enable_ptr(enable); });
     }},
    {"StreamingWidthZero", Rule::kStreamingWidth, kInitiator,
     [](Bench& b) { with(b, [](Payload& gp) { gp.set_streaming_width(0); }); }},
    {"DmiHintLeftOver", Rule::kDmiHint, kInitiator,
     [](Bench& b) { with(b, [](Payload& gp) { gp.set_dmi_allowed(true); }); }},
    {"OptionWhenSent", Rule::kOption, kInitiator,
     [](Bench& b) { with(b, [](Payload& gp) { gp.set_gp_option(tlm::TLM_FULL_PAYLOAD); }); }},
    {"OptionChanged", Rule::kOption, kTarget,
     [](Bench& b) {
       Payload& gp = b.make();
       b.fw(gp, BEGIN_REQ, [&](tlm_phase&, sc_time&) {
         gp.set_gp_option(tlm::TLM_FULL_PAYLOAD_ACCEPTED);
         return TLM_ACCEPTED;
       });
     }},
    {"StatusLeftOver", Rule::kStatusNotReset, kInitiator,
     [](Bench& b) { with(b, [](Payload& gp) { gp.set_response_status(tlm::TLM_OK_RESPONSE); }); }},
    {"NoStatusAtBeginResp", Rule::kStatusNotSet, kTarget,
     [](Bench& b) {
       Payload& gp = b.make();
       b.start(gp);
       b.bw(gp, BEGIN_RESP);
     }},
    {"NoStatusReturned", Rule::kStatusNotSet, kTarget,
     [](Bench& b) { b.fw(b.make(), BEGIN_REQ, update(BEGIN_RESP)); }},
    {"NoStatusAtCompleted", Rule::kStatusNotSet, kTarget, [](Bench& b) { b.fw(b.make(), BEGIN_REQ, complete); }},
    {"NoStatusOfBlocking", Rule::kStatusNotSet, kTarget, [](Bench& b) { b.b(b.make(), [](sc_time&) {}); }},
    {"InventedStatus", Rule::kStatusNotSet, kTarget,
     [](Bench& b) {
       Payload& gp = b.make();
       b.b(gp, [&](sc_time&) { gp.set_response_status(static_cast<tlm::tlm_response_status>(2)); });
     }},
    {"TargetChangesCommand", Rule::kAttributeModified, kTarget,
     [](Bench& b) {
       Payload& gp = b.make();
       b.fw(gp, BEGIN_REQ, [&](tlm_phase&, sc_time&) {
         gp.set_write();
         return TLM_ACCEPTED;
       });
     }},
    {"TargetChangesDataPointerInBlocking", Rule::kAttributeModified, kTarget,
     [](Bench& b) {
       Payload& gp = b.make();
       b.b(gp, [&](sc_time&) {
         gp.set_data_ptr(gp.get_data_ptr() + 1);
         gp.set_response_status(tlm::TLM_OK_RESPONSE);
       });
     }},
    {"InitiatorChangesLength", Rule::kAttributeModified, kInitiator,
     [](Bench& b) {
       Payload& gp = b.make();
       b.start(gp);
       gp.set_data_length(32);
       b.respond(gp);
     }},
    {"InitiatorChangesByteEnablePointer", Rule::kAttributeModified, kInitiator,
     [](Bench& b) {
       Payload& gp = b.make();
       b.start(gp);
       b.respond(gp);
       gp.set_byte_enable_ptr(b.memory());
       b.fw(gp, END_RESP);
     }},
    {"InitiatorChangesByteEnableLength", Rule::kAttributeModified, kInitiator,
     [](Bench& b) {
       Payload& gp = b.make();
       b.fw(gp, BEGIN_REQ);
       gp.set_byte_enable_length(1);
       b.bw(gp, END_REQ);
     }},
    {"InitiatorChangesStreamingWidthWithinACall", Rule::kAttributeModified, kInitiator,
     [](Bench& b) {
       Payload& gp = b.make();
       b.fw(gp, BEGIN_REQ);
       b.bw(gp, END_REQ, [&](tlm_phase&, sc_time&) {
         gp.set_streaming_width(8);
         return TLM_ACCEPTED;
       });
     }},
    {"InitiatorChangesStatus", Rule::kAttributeModified, kInitiator,
     [](Bench& b) {
       Payload& gp = b.make();
       b.start(gp);
       b.respond(gp, [&](tlm_phase&, sc_time&) {
         gp.set_response_status(tlm::TLM_INCOMPLETE_RESPONSE);
         return TLM_ACCEPTED;
       });
     }},
    {"InitiatorChangesAddress", Rule::kAddressModified, kInitiator,
     [](Bench& b) {
       Payload& gp = b.make();
       b.fw(gp, BEGIN_REQ);
       b.bw(gp, END_REQ, [&](tlm_phase&, sc_time&) {
         gp.set_address(0);
         return TLM_ACCEPTED;
       });
     }},
    // Lifetime
    {"NoManager", Rule::kNoMemoryManager, kInitiator,
     [](Bench& b) {
       with(b, [](Payload& gp) {
         gp.release();
         gp.set_mm(nullptr);
       });
     }},
    {"NotAcquired", Rule::kNoReference, kInitiator, [](Bench& b) { with(b, [](Payload& gp) { gp.release(); }); }},
    {"NotAcquiredInBlocking", Rule::kNoReference, kInitiator,
     [](Bench& b) {
       Payload& gp = b.make();
       gp.release();
       b.b(gp, [&](sc_time&) { gp.set_response_status(tlm::TLM_OK_RESPONSE); });
     }},
    {"InitiatorReleases", Rule::kReleasedInFlight, kInitiator,
     [](Bench& b) {
       Payload& gp = b.make();
       b.start(gp);
       gp.release();
       b.respond(gp);
     }},
    {"TargetReleasesTheLast", Rule::kReleasedInFlight, kTarget,
     [](Bench& b) {
       Payload& gp = b.make();
       b.fw(gp, BEGIN_REQ, [&](tlm_phase&, sc_time&) {
         gp.release();
         return TLM_ACCEPTED;
       });
     }},
    {"TargetReleasesAnothersReference", Rule::kReleasedInFlight, kTarget,
     [](Bench& b) {
       Payload& gp = b.make();
       gp.acquire();
       b.fw(gp, BEGIN_REQ, [&](tlm_phase&, sc_time&) {
         gp.release();
         return TLM_ACCEPTED;
       });
     }},
    {"UsedAgain", Rule::kRecycledInFlight, kInitiator,
     [](Bench& b) {
       Payload& gp = b.make();
       b.start(gp);
       gp.set_write();
       b.fw(gp, BEGIN_REQ);
     }},
    {"UsedForDebug", Rule::kRecycledInFlight, kInitiator,
     [](Bench& b) {
       Payload& gp = b.make();
       b.start(gp);
       b.debug(gp, [] { return 64; });
     }},
    {"UsedForDmi", Rule::kRecycledInFlight, kInitiator,
     [](Bench& b) {
       Payload& gp = b.make();
       b.start(gp);
       b.dmi(gp, [](tlm::tlm_dmi&) { return false; });
     }},
    {"ManagerRemoved", Rule::kManagerRemoved, kInitiator,
     [](Bench& b) {
       Payload& gp = b.make();
       b.start(gp);
       gp.set_mm(nullptr);
       b.respond(gp);
     }},
    {"ManagerLeft", Rule::kManagerLeft, kTarget,
     [](Bench& b) {
       static Pool pool;
       Payload& gp = b.make();
       gp.release();
       gp.set_mm(nullptr);
       b.b(gp, [&](sc_time&) {
         gp.set_mm(&pool);
         gp.set_response_status(tlm::TLM_OK_RESPONSE);
       });
     }},
    // b_transport
    {"BlockingAfterBeginReq", Rule::kBothTransports, kInitiator,
     [](Bench& b) {
       Payload& gp = b.make();
       b.start(gp);
       b.b(gp, [&](sc_time&) { gp.set_response_status(tlm::TLM_OK_RESPONSE); });
     }},
    {"BeginReqInBlocking", Rule::kBothTransports, kInitiator,
     [](Bench& b) {
       Payload& gp = b.make();
       b.b(gp, [&](sc_time&) {
         b.fw(gp, BEGIN_REQ);
         gp.set_response_status(tlm::TLM_OK_RESPONSE);
       });
     }},
    {"BeginRespInBlocking", Rule::kBothTransports, kTarget,
     [](Bench& b) {
       Payload& gp = b.make();
       b.b(gp, [&](sc_time&) { b.respond(gp); });
     }},
    {"Reentrant", Rule::kReentrant, kInitiator,
     [](Bench& b) {
       Payload& gp = b.make();
       const auto ok = [&](sc_time&) { gp.set_response_status(tlm::TLM_OK_RESPONSE); };
       b.b(gp, [&](sc_time&) { b.b(gp, ok); });
     }},
    // transport_dbg
    {"DebugNullData", Rule::kDebugPointer, kInitiator,
     [](Bench& b) {
       Payload& gp = b.make();
       gp.set_data_ptr(nullptr);
       b.debug(gp, [] { return 0; });
     }},
    {"DebugLengthChanged", Rule::kDebugModified, kTarget,
     [](Bench& b) {
       Payload& gp = b.make();
       b.debug(gp, [&] {
         gp.set_data_length(16);
         return 16;
       });
     }},
    {"DebugTooMuch", Rule::kDebugCount, kTarget, [](Bench& b) { b.debug(b.make(), [] { return 65; }); }},
    {"DebugWaits", Rule::kDebugWait, kTarget,
     [](Bench& b) {
       b.debug(b.make(), [] {
         sc_core::wait(1, SC_NS);
         return 64;
       });
     }},
    // Direct memory
    {"DmiIgnore", Rule::kDmiCommand, kInitiator,
     [](Bench& b) { b.dmi(b.make(tlm::TLM_IGNORE_COMMAND), [](tlm::tlm_dmi&) { return false; }); }},
    {"DmiDescriptorUsed", Rule::kDmiDescriptor, kInitiator,
     [](Bench& b) {
       tlm::tlm_dmi dmi;
       dmi.set_read_latency(sc_time(1, SC_NS));
       b.dmi(b.make(), dmi, [](tlm::tlm_dmi&) { return false; });
     }},
    {"DmiCommandChanged", Rule::kDmiModified, kTarget,
     [](Bench& b) {
       Payload& gp = b.make();
       b.dmi(gp, [&](tlm::tlm_dmi&) {
         gp.set_write();
         return false;
       });
     }},
    {"DmiElsewhere", Rule::kDmiRange, kTarget,
     [](Bench& b) {
       b.dmi(b.make(), [&](tlm::tlm_dmi& dmi) { return grant(dmi, b.memory(), 0x2000, 0x2fff); });
     }},
    {"DmiRangeReversed", Rule::kDmiRange, kTarget,
     [](Bench& b) {
       b.dmi(b.make(), [&](tlm::tlm_dmi& dmi) { return grant(dmi, b.memory(), 0x1fff, 0x1000); });
     }},
    {"DmiNull", Rule::kDmiPointer, kTarget,
     [](Bench& b) {
       b.dmi(b.make(), [](tlm::tlm_dmi& dmi) { return grant(dmi, nullptr, 0x1000, 0x1fff); });
     }},
    {"DmiWriteOnlyForARead", Rule::kDmiAccess, kTarget,
     [](Bench& b) {
       b.dmi(b.make(), [&](tlm::tlm_dmi& dmi) {
         grant(dmi, b.memory(), 0x1000, 0x1fff);
         dmi.allow_write();
         return true;
       });
     }},
    {"DmiNoAccess", Rule::kDmiAccess, kTarget,
     [](Bench& b) {
       b.dmi(b.make(), [&](tlm::tlm_dmi& dmi) {
         grant(dmi, b.memory(), 0x1000, 0x1fff);
         dmi.allow_none();
         return true;
       });
     }},
    {"DmiDeniedWithinGranted", Rule::kDmiOverlap, kTarget,
     [](Bench& b) {
       Payload& gp = b.make();
       b.dmi(gp, [&](tlm::tlm_dmi& dmi) { return grant(dmi, b.memory(), 0x1000, 0x1fff); });
       b.dmi(gp, [&](tlm::tlm_dmi& dmi) { return !grant(dmi, nullptr, 0x1000, 0x10ff); });
     }},
    {"DmiWriteDeniedWithinGranted", Rule::kDmiOverlap, kTarget,
     [](Bench& b) {
       Payload& gp = b.make(tlm::TLM_WRITE_COMMAND);
       Payload& read = b.make();
       b.dmi(read, [&](tlm::tlm_dmi& dmi) {
         grant(dmi, b.memory(), 0x1000, 0x2fff);
         dmi.allow_read();
         return true;
       });
       b.dmi(gp, [&](tlm::tlm_dmi& dmi) { return grant(dmi, b.memory(), 0x1000, 0x1fff); });
       b.dmi(gp, [&](tlm::tlm_dmi& dmi) {
         grant(dmi, nullptr, 0x1000, 0x1fff);
         dmi.allow_write();
         return false;
       });
     }},
    {"DmiWaits", Rule::kDmiWait, kTarget,
     [](Bench& b) {
       b.dmi(b.make(), [](tlm::tlm_dmi&) {
         sc_core::wait(1, SC_NS);
         return false;
       });
     }},
    {"InvalidateReversed", Rule::kInvalidateRange, kTarget, [](Bench& b) { b.checker.invalidate(2, 1); }},
};

void expect_only(const Bench& bench, Rule rule, const std::string& offender) {
  EXPECT_EQ(bench.checker.violations(rule), 1u);
  EXPECT_EQ(bench.checker.violations(), 1u) << testing::PrintToString(bench.messages);
  ASSERT_EQ(bench.messages.size(), 1u);
  EXPECT_THAT(bench.messages[0], StartsWith(offender + ": " + BaseProtocolChecker::name(rule) + " (IEEE 1666-2011, " +
                                            BaseProtocolChecker::clause(rule) + "): "));
}

class Faults : public testing::TestWithParam<Fault> {};

TEST_P(Faults, IsTheOnlyOneAndHasAName) {
  Bench bench;
  simulate([&] { GetParam().plant(bench); });
  expect_only(bench, GetParam().rule, GetParam().offender);
}

INSTANTIATE_TEST_SUITE_P(BaseProtocol, Faults, testing::ValuesIn(kFaults),
                         [](const testing::TestParamInfo<Fault>& fault) { return std::string(fault.param.label); });

TEST(BaseProtocolChecker, BlockingFromAMethod) {
  Bench bench;
  simulate(
      [&] {
        Payload& gp = bench.make();
        bench.b(gp, [&](sc_time&) { gp.set_response_status(tlm::TLM_OK_RESPONSE); });
      },
      true);
  expect_only(bench, Rule::kBlockingInMethod, kInitiator);
}

TEST(BaseProtocolChecker, EveryRuleHasAControl) {
  std::vector<bool> covered(BaseProtocolChecker::kRules);
  covered[static_cast<std::size_t>(Rule::kBlockingInMethod)] = true;  // above
  for (const Fault& fault : kFaults) covered[static_cast<std::size_t>(fault.rule)] = true;
  for (std::size_t i = 0; i < covered.size(); ++i) {
    EXPECT_TRUE(covered[i]) << BaseProtocolChecker::name(static_cast<Rule>(i));
  }
}

// ---- What is legal

struct Legal {
  const char* label;
  void (*play)(Bench&);
};
std::ostream& operator<<(std::ostream& out, const Legal& legal) { return out << legal.label; }

const Legal kLegal[] = {
    {"OnePhase",
     [](Bench& b) {
       for (int i = 0; i < 3; ++i) {
         Payload& gp = b.make(tlm::TLM_WRITE_COMMAND);
         b.fw(gp, BEGIN_REQ, b.completed(gp, sc_time(5, SC_NS)));
       }
     }},
    {"TwoPhases",
     [](Bench& b) {
       Payload& first = b.make();
       Payload& second = b.make();
       b.fw(first, BEGIN_REQ, update(END_REQ, sc_time(10, SC_NS)));
       b.fw(second, BEGIN_REQ, update(END_REQ, sc_time(10, SC_NS)));
       sc_core::wait(20, SC_NS);
       b.respond(first, complete);
       b.respond(second, update(END_RESP));
     }},
    {"FourPhases",
     [](Bench& b) {
       Payload& gp = b.make();
       b.fw(gp, BEGIN_REQ);
       sc_core::wait(1, SC_NS);
       b.bw(gp, END_REQ);
       sc_core::wait(1, SC_NS);
       b.respond(gp);
       sc_core::wait(1, SC_NS);
       b.fw(gp, END_RESP, complete);
     }},
    {"BeginRespImpliesEndReq",
     [](Bench& b) {
       Payload& first = b.make();
       Payload& second = b.make();
       b.fw(first, BEGIN_REQ);
       b.respond(first);
       b.fw(second, BEGIN_REQ);
       b.fw(first, END_RESP);
       b.respond(second, complete);
     }},
    {"BeginRespReturned",
     [](Bench& b) {
       Payload& gp = b.make();
       b.fw(gp, BEGIN_REQ, [&](tlm_phase& phase, sc_time& delay) {
         gp.set_response_status(tlm::TLM_OK_RESPONSE);
         phase = BEGIN_RESP;
         delay += sc_time(10, SC_NS);
         return TLM_UPDATED;
       });
       sc_core::wait(10, SC_NS);
       b.fw(gp, END_RESP, complete);
     }},
    {"OutOfOrder",
     [](Bench& b) {
       Payload* gps[] = {&b.make(), &b.make(), &b.make()};
       for (Payload* gp : gps) b.start(*gp);
       for (int i : {2, 0, 1}) {
         b.respond(*gps[i]);
         b.fw(*gps[i], END_RESP);
       }
     }},
    {"ErrorResponse",
     [](Bench& b) {
       Payload& gp = b.make();
       b.start(gp);
       gp.set_response_status(tlm::TLM_ADDRESS_ERROR_RESPONSE);
       b.bw(gp, BEGIN_RESP, complete);
     }},
    {"ExecutedAtOnceAnsweredLater",
     [](Bench& b) {
       Payload& gp = b.make();
       b.fw(gp, BEGIN_REQ, [&](tlm_phase&, sc_time&) {
         gp.set_response_status(tlm::TLM_OK_RESPONSE);
         gp.acquire();
         return TLM_ACCEPTED;
       });
       b.bw(gp, BEGIN_RESP, complete);
       gp.release();
     }},
    {"NestedCalls",
     [](Bench& b) {
       Payload& gp = b.make();
       b.fw(gp, BEGIN_REQ, [&](tlm_phase&, sc_time&) {
         b.bw(gp, END_REQ);
         b.respond(gp, [&](tlm_phase&, sc_time&) {
           b.fw(gp, END_RESP);
           return TLM_ACCEPTED;
         });
         return TLM_ACCEPTED;
       });
     }},
    {"NestedCallsThatChangeWhatTheyMay",
     [](Bench& b) {
       Payload& gp = b.make();
       gp.acquire();  // the initiator has two references, and gives one back at END_REQ
       b.fw(gp, BEGIN_REQ, [&](tlm_phase&, sc_time&) {
         b.bw(gp, END_REQ, [&](tlm_phase&, sc_time&) {
           gp.release();
           b.fw(gp, first_beat, [&](tlm_phase&, sc_time&) {
             gp.set_response_status(tlm::TLM_OK_RESPONSE);
             return TLM_ACCEPTED;
           });
           return TLM_ACCEPTED;
         });
         return TLM_ACCEPTED;
       });
       b.respond(gp, complete);
     }},
    {"ReleasedWithinTheLastCall",
     [](Bench& b) {
       Payload& gp = b.make();
       b.start(gp);
       b.respond(gp, [&](tlm_phase&, sc_time&) {
         gp.release();
         gp.set_write();  // the next owner's
         gp.set_data_length(1);
         return TLM_COMPLETED;
       });
     }},
    {"ObjectUsedAgain",
     [](Bench& b) {
       Payload& gp = b.make();
       for (int i = 0; i < 3; ++i) {
         b.four_phases(gp);
         gp.set_response_status(tlm::TLM_INCOMPLETE_RESPONSE);
         gp.set_address(0x40 * i);
         gp.set_write();
         b.b(gp, [&](sc_time&) { gp.set_response_status(tlm::TLM_OK_RESPONSE); });
         gp.set_response_status(tlm::TLM_INCOMPLETE_RESPONSE);
       }
     }},
    {"DelaysOutOfOrderBetweenTransactions",
     [](Bench& b) {
       // 15.2.6 g, 15.2.7 g: neither exclusion nor order look at annotated times of different transactions.
       for (double at : {1000.0, 1050.0, 500.0}) {
         Payload& gp = b.make();
         b.fw(gp, BEGIN_REQ, update(END_REQ, sc_time(10, SC_NS)), sc_time(at, SC_NS));
         b.respond(gp, complete, sc_time(at + 20, SC_NS));
       }
     }},
    {"AddressTranslatedDownstream",
     [](Bench& b) {
       Payload& gp = b.make();
       b.fw(gp, BEGIN_REQ, [&](tlm_phase&, sc_time&) {
         gp.set_address(0x10);
         return TLM_ACCEPTED;
       });
       gp.set_address(0x20);
       b.respond(gp, complete);
     }},
    {"ExtendedPhases",
     [](Bench& b) {
       Payload& gp = b.make();
       b.fw(gp, BEGIN_REQ, update(first_beat));
       b.bw(gp, END_REQ);
       b.fw(gp, first_beat);
       b.respond(gp);
       b.bw(gp, first_beat);
       b.fw(gp, END_RESP);
     }},
    {"ByteEnables",
     [](Bench& b) {
       static unsigned char enable[128] = {TLM_BYTE_ENABLED, TLM_BYTE_DISABLED, TLM_BYTE_ENABLED};
       enable[100] = 7;  // beyond the data: without effect
       for (unsigned length : {3u, 64u, 128u}) {
         Payload& gp = b.make(tlm::TLM_WRITE_COMMAND);
         gp.set_byte_enable_ptr(enable);
         gp.set_byte_enable_length(length);
         gp.set_streaming_width(length);
         b.fw(gp, BEGIN_REQ, b.completed(gp));
       }
     }},
    {"IgnoreWithoutData",
     [](Bench& b) {
       Payload& gp = b.make(tlm::TLM_IGNORE_COMMAND);
       gp.set_data_ptr(nullptr);
       gp.set_data_length(0);
       b.fw(gp, BEGIN_REQ, b.completed(gp));
     }},
    {"Blocking",
     [](Bench& b) {
       Payload& gp = b.make();
       b.b(
           gp,
           [&](sc_time& delay) {
             sc_core::wait(delay);
             delay = SC_ZERO_TIME;
             gp.set_address(0);
             gp.set_dmi_allowed(true);
             gp.set_response_status(tlm::TLM_OK_RESPONSE);
           },
           sc_time(5, SC_NS));
     }},
    {"BlockingWithoutManager",
     [](Bench& b) {
       static Pool pool;
       Payload& gp = b.make();
       gp.release();
       gp.set_mm(nullptr);
       b.b(gp, [&](sc_time&) {
         gp.set_mm(&pool);  // an adapter to nb_transport (14.5 j)
         gp.acquire();
         gp.release();
         gp.set_mm(nullptr);
         gp.set_response_status(tlm::TLM_OK_RESPONSE);
       });
     }},
    {"BlockingBesideNonBlocking",
     [](Bench& b) {
       Payload& first = b.make();
       Payload& second = b.make();
       Payload& third = b.make();
       b.fw(first, BEGIN_REQ);
       b.b(second, [&](sc_time&) {
         b.b(third, [&](sc_time&) { third.set_response_status(tlm::TLM_OK_RESPONSE); });
         second.set_response_status(tlm::TLM_OK_RESPONSE);
       });
       b.respond(first, complete);
     }},
    {"Debug",
     [](Bench& b) {
       b.debug(b.make(), [] { return 64; });
       b.debug(b.make(), [] { return 0; });
       Payload& nothing = b.make();
       nothing.set_data_ptr(nullptr);
       nothing.set_data_length(0);
       b.debug(nothing, [] { return 0; });
       b.debug(b.make(tlm::TLM_IGNORE_COMMAND), [] { return 1000; });
     }},
    {"DirectMemory",
     [](Bench& b) {
       Payload& gp = b.make();
       b.dmi(gp, [&](tlm::tlm_dmi& dmi) { return grant(dmi, b.memory(), 0x1000, 0x1fff); });
       b.dmi(gp, [&](tlm::tlm_dmi& dmi) { return grant(dmi, b.memory(), 0, 0xffff); });
       b.checker.invalidate(0, 0x1000);
       b.dmi(gp, [&](tlm::tlm_dmi& dmi) { return !grant(dmi, nullptr, 0x1000, 0x1fff); });
       b.checker.invalidate(0, ~sc_dt::uint64{0});
       b.dmi(gp, [](tlm::tlm_dmi&) { return false; });
       b.dmi(gp, [&](tlm::tlm_dmi& dmi) { return grant(dmi, b.memory(), 0x1000, 0x1000); });
     }},
};

class LegalPlays : public testing::TestWithParam<Legal> {};

TEST_P(LegalPlays, PassWithoutAWord) {
  Bench bench;
  simulate([&] { GetParam().play(bench); });
  EXPECT_EQ(bench.checker.violations(), 0u) << testing::PrintToString(bench.messages);
  EXPECT_EQ(bench.checker.outstanding(), 0u);
}

INSTANTIATE_TEST_SUITE_P(BaseProtocol, LegalPlays, testing::ValuesIn(kLegal),
                         [](const testing::TestParamInfo<Legal>& legal) { return std::string(legal.param.label); });

// ---- What is said

TEST(BaseProtocolChecker, AMessageSaysWhoWhatWhereAndWhen) {
  Bench bench;
  simulate([&] {
    sc_core::wait(7, SC_NS);
    bench.fw(bench.make(), BEGIN_REQ);
    bench.fw(bench.make(tlm::TLM_WRITE_COMMAND), BEGIN_REQ);
  });
  ASSERT_EQ(bench.messages.size(), 1u);
  EXPECT_EQ(
      bench.messages[0],
      "top.cpu.socket: request exclusion (IEEE 1666-2011, 15.2.6 e): BEGIN_REQ while that of the read at 0x1000 has "
      "neither END_REQ nor BEGIN_RESP; write of 64 B at 0x2000, at 7 ns, between top.cpu.socket and top.memory.socket");
}

TEST(BaseProtocolChecker, NamesMayComeLater) {
  Bench bench;
  bench.checker.set_initiator("top.dma.socket");
  bench.checker.set_target("top.sram.socket");
  bench.fw(bench.make(), END_RESP);
  bench.respond(bench.make());
  ASSERT_EQ(bench.messages.size(), 2u);
  EXPECT_THAT(bench.messages[0], StartsWith("top.dma.socket: "));
  EXPECT_THAT(bench.messages[1], StartsWith("top.sram.socket: "));
}

TEST(BaseProtocolChecker, OneFaultOfAnObjectIsSaidOnce) {
  Bench bench;
  Payload& gp = bench.make();
  bench.fw(gp, BEGIN_REQ);
  gp.set_data_length(8);
  bench.bw(gp, END_REQ);
  bench.respond(gp);
  bench.fw(gp, END_RESP);
  EXPECT_EQ(bench.checker.violations(), 1u) << testing::PrintToString(bench.messages);
}

TEST(BaseProtocolChecker, AModelThatIsAlwaysWrongDoesNotFloodTheLog) {
  Bench bench;
  for (int i = 0; i < 1000; ++i) bench.respond(bench.make());
  EXPECT_EQ(bench.checker.violations(Rule::kUnknownTransaction), 1000u);
  ASSERT_EQ(bench.messages.size(), BaseProtocolChecker::kMessages);
  EXPECT_THAT(bench.messages.back(), HasSubstr("further ones are only counted"));
}

TEST(BaseProtocolChecker, ARuleCanBeLeftOut) {
  Bench bench;
  bench.checker.set_checked(Rule::kUnknownTransaction, false);
  bench.respond(bench.make());
  EXPECT_EQ(bench.checker.violations(), 0u);
}

TEST(BaseProtocolChecker, WhatIsOpenHasAnOwner) {
  Bench bench;
  simulate([&] {
    Payload& first = bench.make();
    Payload& second = bench.make();
    Payload& third = bench.make();
    bench.start(first);
    sc_core::wait(1, SC_NS);
    bench.start(second);
    bench.respond(second);
    sc_core::wait(1, SC_NS);
    bench.fw(third, BEGIN_REQ);
    bench.checker.b_begin(bench.make(), SC_ZERO_TIME);
  });
  const auto open = bench.checker.open();
  EXPECT_EQ(bench.checker.outstanding(), 4u);
  ASSERT_EQ(open.size(), 4u);
  EXPECT_EQ(open[0].owes, kTarget);
  EXPECT_EQ(open[0].what,
            "top.memory.socket owes BEGIN_RESP; read of 64 B at 0x1000, since 0 s, between top.cpu.socket and "
            "top.memory.socket");
  EXPECT_EQ(open[1].owes, kInitiator);
  EXPECT_THAT(open[1].what, HasSubstr("owes END_RESP; read of 64 B at 0x2000, since 1 ns"));
  EXPECT_EQ(open[2].owes, kTarget);
  EXPECT_THAT(open[2].what, HasSubstr("owes END_REQ or BEGIN_RESP; read of 64 B at 0x3000, since 2 ns"));
  EXPECT_EQ(open[3].owes, kTarget);
  EXPECT_THAT(open[3].what, HasSubstr("owes the return of b_transport; read of 64 B at 0x4000"));
  EXPECT_EQ(bench.checker.violations(), 0u);
}

TEST(BaseProtocolChecker, EndedTransactionsAreForgottenWhenRoomIsNeeded) {
  Bench bench;
  Payload& first = bench.make();
  bench.four_phases(first);
  for (int i = 0; i < 1000; ++i) bench.four_phases(bench.make());
  Payload& last = bench.make();
  bench.four_phases(last);
  bench.fw(first, END_RESP);
  bench.fw(last, END_RESP);
  EXPECT_EQ(bench.checker.violations(Rule::kUnknownTransaction), 1u);
  EXPECT_EQ(bench.checker.violations(Rule::kRepeatedPhase), 1u);
}

TEST(BaseProtocolChecker, ManyInFlightAndManyObjects) {
  Bench bench;
  std::vector<Payload*> open;
  for (int i = 0; i < 3000; ++i) {
    bench.four_phases(bench.make());
    if (i % 3 == 0) bench.start(*open.emplace_back(&bench.make()));
  }
  EXPECT_EQ(bench.checker.outstanding(), open.size());
  while (!open.empty()) {
    bench.respond(*open.back(), complete);
    open.pop_back();
  }
  EXPECT_EQ(bench.checker.outstanding(), 0u);
  EXPECT_EQ(bench.checker.violations(), 0u) << testing::PrintToString(bench.messages);
}

}  // namespace
}  // namespace cowosim::kernel
