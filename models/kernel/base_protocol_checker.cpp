#include "kernel/base_protocol_checker.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <sstream>

namespace cowosim::kernel {

namespace {

using Rule = BaseProtocolChecker::Rule;

struct RuleText {
  const char* name;
  const char* clause;
};

// In the order of Rule.
constexpr std::array<RuleText, BaseProtocolChecker::kRules> kTexts{{
    {"phase of the other side", "15.2.3 c"},
    {"phase out of order", "15.2.4"},
    {"repeated phase", "15.2.3 e"},
    {"ignorable phase outside of a transaction", "15.2.5 e"},
    {"return status not permitted", "15.2.4"},
    {"TLM_UPDATED without a phase", "15.2.3 e"},
    {"TLM_ACCEPTED but changed", "11.1.2.7"},
    {"call after TLM_COMPLETED", "11.1.2.7"},
    {"unknown transaction", "15.2.4"},
    {"second answer", "15.2.4"},
    {"BEGIN_REQ in flight", "15.2.4"},
    {"nested call", "11.1.2.4"},
    {"wait in nb_transport", "11.1.2.4"},
    {"request exclusion", "15.2.6 e"},
    {"response exclusion", "15.2.6 f"},
    {"TLM_COMPLETED during a response", "15.2.3 i"},
    {"time runs backwards", "15.2.7 c"},
    {"command", "14.9"},
    {"data pointer", "14.11 e"},
    {"data length", "14.12 d"},
    {"byte enable value", "14.13 b"},
    {"byte enable length", "14.14 f"},
    {"streaming width", "14.15 f"},
    {"DMI hint not reset", "14.16 c"},
    {"option", "14.8 g"},
    {"response status not reset", "14.17 e"},
    {"response status not set", "14.17 k"},
    {"attribute modified in flight", "14.7"},
    {"address modified in flight", "14.7 c"},
    {"no memory manager", "14.5 i"},
    {"no reference", "14.5 t"},
    {"released in flight", "14.5 t and u"},
    {"object used again in flight", "14.5 x"},
    {"memory manager removed in flight", "14.5 m"},
    {"memory manager left behind", "14.5 j"},
    {"b_transport in a method", "11.1.1.4 b"},
    {"b_transport and nb_transport at once", "15.2.10 c"},
    {"re-entrant b_transport", "15.2.8 d"},
    {"debug data pointer", "11.3.4 l"},
    {"debug attribute modified", "11.3.4 d, k and l"},
    {"debug count", "11.3.4 s"},
    {"wait in transport_dbg", "11.3.4 t"},
    {"DMI command", "11.2.4"},
    {"DMI descriptor not reset", "11.2.5"},
    {"DMI command modified", "11.2.4"},
    {"DMI range", "11.2.5"},
    {"DMI pointer", "11.2.5"},
    {"DMI access", "11.2.5"},
    {"DMI allowed and denied at once", "11.2.5"},
    {"wait in get_direct_mem_ptr", "11.2.3"},
    {"range of invalidate_direct_mem_ptr", "11.2.6 c"},
}};
static_assert(kTexts.back().name != nullptr, "a rule without a text");

constexpr std::size_t kLeastRoom = 256;
constexpr std::size_t kMostRegions = 4096;  // kept to compare new ones with; further ones are not

std::string text(const tlm::tlm_phase& phase) {
  std::ostringstream out;
  out << phase;
  return out.str();
}

const char* text(tlm::tlm_sync_enum status) {
  switch (status) {
    case tlm::TLM_ACCEPTED:
      return "TLM_ACCEPTED";
    case tlm::TLM_UPDATED:
      return "TLM_UPDATED";
    case tlm::TLM_COMPLETED:
      return "TLM_COMPLETED";
  }
  return "no value of tlm_sync_enum";
}

const char* text(tlm::tlm_command command) {
  switch (command) {
    case tlm::TLM_READ_COMMAND:
      return "read";
    case tlm::TLM_WRITE_COMMAND:
      return "write";
    case tlm::TLM_IGNORE_COMMAND:
      return "ignore command";
  }
  return "unknown command";
}

bool ignorable(unsigned phase) { return phase > tlm::END_RESP; }
bool of_initiator(unsigned phase) { return phase == tlm::BEGIN_REQ || phase == tlm::END_RESP; }
bool of_target(unsigned phase) { return phase == tlm::END_REQ || phase == tlm::BEGIN_RESP; }

}  // namespace

const char* BaseProtocolChecker::name(Rule rule) { return kTexts[index(rule)].name; }
const char* BaseProtocolChecker::clause(Rule rule) { return kTexts[index(rule)].clause; }

BaseProtocolChecker::BaseProtocolChecker(std::string initiator, std::string target, Report report)
    : initiator_(std::move(initiator)), target_(std::move(target)), report_(std::move(report)) {
  checked_.fill(true);
  set_checked(Rule::kNestedCall, false);
  calls_.reserve(8);
  make_room();
}

std::uint64_t BaseProtocolChecker::violations() const {
  std::uint64_t sum = 0;
  for (std::uint64_t count : counts_) sum += count;
  return sum;
}

// ---- Transactions and calls

BaseProtocolChecker::Attributes::Attributes(const Payload& gp)
    : address(gp.get_address()),
      data(gp.get_data_ptr()),
      byte_enable(gp.get_byte_enable_ptr()),
      length(gp.get_data_length()),
      byte_enable_length(gp.get_byte_enable_length()),
      streaming_width(gp.get_streaming_width()),
      command(gp.get_command()),
      option(gp.get_gp_option()) {}

const char* BaseProtocolChecker::Attributes::difference(const Payload& gp) const {
  if (gp.get_command() != command) return "command";
  if (gp.get_data_ptr() != data) return "data pointer";
  if (gp.get_data_length() != length) return "data length";
  if (gp.get_byte_enable_ptr() != byte_enable) return "byte enable pointer";
  if (gp.get_byte_enable_length() != byte_enable_length) return "byte enable length";
  if (gp.get_streaming_width() != streaming_width) return "streaming width";
  return nullptr;
}

std::uint64_t BaseProtocolChecker::effective(const sc_core::sc_time& delay) {
  const std::uint64_t now = sc_core::sc_time_stamp().value();
  const std::uint64_t ticks = delay.value();
  return ticks <= std::numeric_limits<std::uint64_t>::max() - now ? now + ticks
                                                                  : std::numeric_limits<std::uint64_t>::max();
}

std::size_t BaseProtocolChecker::slot(const Payload* key) const {
  // Fibonacci hashing; payloads are aligned to 16 bytes.
  return static_cast<std::size_t>(((reinterpret_cast<std::uintptr_t>(key) >> 4) * 0x9e3779b97f4a7c15u) >> shift_);
}

BaseProtocolChecker::Entry* BaseProtocolChecker::find(const Payload* key) {
  const std::size_t mask = table_.size() - 1;
  for (std::size_t i = slot(key); table_[i].key != nullptr; i = (i + 1) & mask) {
    if (table_[i].key == key) return &table_[i];
  }
  return nullptr;
}

BaseProtocolChecker::Entry& BaseProtocolChecker::obtain(const Payload* key) {
  if (Entry* entry = find(key)) return *entry;
  if (2 * (used_ + 1) > table_.size()) make_room();
  const std::size_t mask = table_.size() - 1;
  std::size_t i = slot(key);
  while (table_[i].key != nullptr) i = (i + 1) & mask;
  table_[i].key = key;
  ++used_;
  return table_[i];
}

void BaseProtocolChecker::make_room() {
  std::size_t size = kLeastRoom;
  while (size < 4 * (outstanding_ + 1)) size *= 2;
  std::vector<Entry> before(size);
  before.swap(table_);
  shift_ = 64;
  for (std::size_t i = size; i > 1; i /= 2) --shift_;
  used_ = 0;
  for (const Entry& entry : before) {
    if (entry.key == nullptr || entry.state == State::kDone) continue;
    std::size_t i = slot(entry.key);
    while (table_[i].key != nullptr) i = (i + 1) & (size - 1);
    table_[i] = entry;
    ++used_;
  }
}

BaseProtocolChecker::Call& BaseProtocolChecker::push(const Payload& gp, const tlm::tlm_phase& phase,
                                                     const sc_core::sc_time& delay, bool forward) {
  const std::uint64_t delta = sc_core::sc_delta_count();
  if (!calls_.empty() && calls_.back().forward != forward && calls_.back().delta == delta) {
    violate(Rule::kNestedCall, forward ? Side::kInitiator : Side::kTarget, Attributes(gp),
            forward ? "nb_transport_fw from within nb_transport_bw" : "nb_transport_bw from within nb_transport_fw");
  }
  Call call;
  call.gp = &gp;
  call.time = effective(delay);
  call.delta = delta;
  call.delay = delay;
  call.phase = phase;
  call.forward = forward;
  calls_.push_back(call);
  return calls_.back();
}

bool BaseProtocolChecker::pop(const Payload& gp, bool forward, Call& call) {
  // The last one, unless somebody waits in nb_transport.
  for (std::size_t i = calls_.size(); i-- > 0;) {
    if (calls_[i].gp != &gp || calls_[i].forward != forward) continue;
    call = calls_[i];
    calls_.erase(calls_.begin() + static_cast<std::ptrdiff_t>(i));
    return true;
  }
  return false;
}

bool BaseProtocolChecker::alive(const Entry* entry, const Call& call) {
  return entry != nullptr && call.instance != 0 && entry->instance == call.instance && entry->state != State::kDone;
}

void BaseProtocolChecker::begin(Entry& entry, const Payload& gp, State state, std::uint64_t time) {
  if (entry.state == State::kDone) ++outstanding_;
  entry.sent = Attributes(gp);
  entry.instance = ++instances_;
  entry.time = time;
  entry.moved = sc_core::sc_time_stamp().value();
  entry.phase = state == State::kRequest ? tlm::BEGIN_REQ : tlm::UNINITIALIZED_PHASE;
  entry.steps = 0;
  entry.depth = 0;
  entry.state = state;
  entry.managed = gp.has_mm() && (state == State::kBlocking || gp.get_ref_count() > 0);
  entry.completed = false;
}

void BaseProtocolChecker::end(Entry& entry, bool completed) {
  if (request_ == entry.key) request_ = nullptr;
  if (response_ == entry.key) response_ = nullptr;
  entry.state = State::kDone;
  entry.completed = completed;
  --outstanding_;
}

// ---- What is checked in more than one place

void BaseProtocolChecker::check_sent(const Payload& gp) {
  const tlm::tlm_command command = gp.get_command();
  const bool moves_data = command == tlm::TLM_READ_COMMAND || command == tlm::TLM_WRITE_COMMAND;
  const auto wrong = [&](Rule rule, const std::string& what) { violate(rule, Side::kInitiator, Attributes(gp), what); };
  if (!moves_data && command != tlm::TLM_IGNORE_COMMAND) {
    wrong(Rule::kCommand, fmt::format("command {} is neither read, write nor ignore", static_cast<int>(command)));
  }
  if (moves_data && gp.get_data_ptr() == nullptr) wrong(Rule::kDataPointer, "null");
  if (moves_data && gp.get_data_length() == 0) wrong(Rule::kDataLength, "0; TLM_IGNORE_COMMAND moves nothing");
  if (gp.get_streaming_width() == 0) wrong(Rule::kStreamingWidth, "0; the data length or more means: no streaming");
  if (const unsigned char* enable = gp.get_byte_enable_ptr()) {
    if (gp.get_byte_enable_length() == 0) wrong(Rule::kByteEnableLength, "0, though there is a byte enable pointer");
    // What is longer than the data has no effect (14.14 e).
    const unsigned length = std::min(gp.get_byte_enable_length(), gp.get_data_length());
    for (unsigned i = 0; i < length; ++i) {
      if (enable[i] == TLM_BYTE_DISABLED || enable[i] == TLM_BYTE_ENABLED) continue;
      wrong(Rule::kByteEnableValue, fmt::format("{:#04x} of byte {} is neither 0x00 nor 0xff", unsigned{enable[i]}, i));
      break;
    }
  }
  if (gp.is_dmi_allowed()) wrong(Rule::kDmiHint, "DMI allowed is the target's to set");
  if (gp.get_gp_option() != tlm::TLM_MIN_PAYLOAD) {
    wrong(Rule::kOption, "only DMI and debug transport know another one than TLM_MIN_PAYLOAD");
  }
  if (gp.get_response_status() != tlm::TLM_INCOMPLETE_RESPONSE) {
    wrong(Rule::kStatusNotReset, fmt::format("{} when sent, not TLM_INCOMPLETE_RESPONSE", gp.get_response_string()));
  }
}

void BaseProtocolChecker::check_unmodified(Entry& entry, const Payload& gp, Side by) {
  // What was changed once is not reported again with every later call.
  const char* what = entry.sent.difference(gp);
  const bool option = gp.get_gp_option() != entry.sent.option;
  if (what != nullptr || option) {
    if (what != nullptr) {
      violate(Rule::kAttributeModified, by, entry.sent, fmt::format("the {} is not what was sent", what));
    }
    if (option) violate(Rule::kOption, by, entry.sent, "changed in flight");
    const sc_dt::uint64 address = entry.sent.address;
    entry.sent = Attributes(gp);
    entry.sent.address = address;
  }
  if (entry.state == State::kBlocking || !entry.managed) return;
  if (!gp.has_mm()) {
    violate(Rule::kManagerRemoved, by, entry.sent, "set_mm(nullptr) before the end");
    entry.managed = false;
  } else if (gp.get_ref_count() < 1) {
    violate(Rule::kReleasedInFlight, by, entry.sent, "no reference is left before the end");
    entry.managed = false;
  }
}

void BaseProtocolChecker::check_response(const Entry& entry, const Payload& gp) {
  const int status = gp.get_response_status();
  if (status == tlm::TLM_INCOMPLETE_RESPONSE) {
    violate(Rule::kStatusNotSet, Side::kTarget, entry.sent, "still TLM_INCOMPLETE_RESPONSE in the response");
  } else if (status > tlm::TLM_OK_RESPONSE || status < tlm::TLM_BYTE_ENABLE_ERROR_RESPONSE) {
    violate(Rule::kStatusNotSet, Side::kTarget, entry.sent, fmt::format("{} is no response status", status));
  }
}

void BaseProtocolChecker::check_time(Entry& entry, std::uint64_t time, Side by) {
  if (time < entry.time) {
    violate(Rule::kTimeDecreases, by, entry.sent,
            fmt::format("effective time {} after {}", sc_core::sc_time::from_value(time).to_string(),
                        sc_core::sc_time::from_value(entry.time).to_string()));
  }
  entry.time = std::max(entry.time, time);
}

void BaseProtocolChecker::check_returned(const Call& call, const Attributes& sent, const tlm::tlm_phase& phase,
                                         const sc_core::sc_time& delay, tlm::tlm_sync_enum status, Side by) {
  if (sc_core::sc_delta_count() != call.delta) {
    violate(Rule::kWaitInNonBlocking, by, sent, fmt::format("{} returned later than it was called", text(call.phase)));
  }
  if (status == tlm::TLM_ACCEPTED) {
    if (phase != call.phase) {
      violate(Rule::kAcceptedButChanged, by, sent, fmt::format("{} became {}", text(call.phase), text(phase)));
    } else if (delay != call.delay) {
      violate(Rule::kAcceptedButChanged, by, sent,
              fmt::format("the delay of {} became {}", call.delay.to_string(), delay.to_string()));
    }
  } else if (status != tlm::TLM_UPDATED && status != tlm::TLM_COMPLETED) {
    violate(Rule::kReturnStatus, by, sent, text(status));
  } else if (status == tlm::TLM_UPDATED && phase == call.phase) {
    violate(Rule::kUpdatedWithoutPhase, by, sent, fmt::format("still {}", text(phase)));
  }
}

bool BaseProtocolChecker::under_way(const Payload& gp) {
  const Entry* entry = find(&gp);
  return entry != nullptr && entry->state != State::kDone;
}

// ---- nb_transport

void BaseProtocolChecker::forward_request(const Payload& gp, Call& call) {
  Entry* known = find(&gp);
  if (known != nullptr && known->state == State::kBlocking) {
    violate(Rule::kBothTransports, Side::kInitiator, known->sent, "BEGIN_REQ of what is in b_transport");
    return;
  }
  check_sent(gp);
  if (!gp.has_mm()) {
    violate(Rule::kNoMemoryManager, Side::kInitiator, Attributes(gp), "nb_transport needs one");
  } else if (gp.get_ref_count() < 1) {
    violate(Rule::kNoReference, Side::kInitiator, Attributes(gp), "acquire() comes before BEGIN_REQ");
  }
  if (known != nullptr && known->state != State::kDone) {
    if (const char* what = known->sent.difference(gp)) {
      violate(Rule::kRecycledInFlight, Side::kInitiator, known->sent,
              fmt::format("BEGIN_REQ with another {} before the end", what));
    } else {
      violate(Rule::kBeginReqInFlight, Side::kInitiator, known->sent,
              fmt::format("BEGIN_REQ after {}, before the end", text(known->phase)));
    }
    if (response_ == &gp) response_ = nullptr;
  }
  if (request_ != nullptr && request_ != &gp) {
    const Attributes& other = find(request_)->sent;
    violate(Rule::kRequestExclusion, Side::kInitiator, Attributes(gp),
            fmt::format("BEGIN_REQ while that of the {} at {:#x} has neither END_REQ nor BEGIN_RESP",
                        text(other.command), other.address));
  }
  Entry& entry = known != nullptr ? *known : obtain(&gp);
  begin(entry, gp, State::kRequest, call.time);
  request_ = &gp;
  call.instance = entry.instance;
  call.references = gp.get_ref_count();
}

void BaseProtocolChecker::forward_late(const Payload& gp, Entry* entry, const tlm::tlm_phase& phase) {
  const Attributes sent = entry != nullptr ? entry->sent : Attributes(gp);
  if (ignorable(phase)) {
    violate(Rule::kIgnorablePhase, Side::kInitiator, sent,
            fmt::format("{} {}", text(phase), entry != nullptr ? "after the end" : "before BEGIN_REQ"));
  } else if (entry == nullptr) {
    violate(Rule::kUnknownTransaction, Side::kInitiator, sent, "END_RESP without BEGIN_REQ");
  } else if (entry->completed) {
    violate(Rule::kAfterCompleted, Side::kInitiator, sent, "END_RESP");
  } else if (entry->phase == tlm::END_RESP) {
    violate(Rule::kRepeatedPhase, Side::kInitiator, sent, "END_RESP after END_RESP");
  } else {
    violate(Rule::kUnknownTransaction, Side::kInitiator, sent, "END_RESP after b_transport");
  }
}

void BaseProtocolChecker::fw_begin(const Payload& gp, const tlm::tlm_phase& phase, const sc_core::sc_time& delay) {
  Call& call = push(gp, phase, delay, true);
  if (phase == tlm::BEGIN_REQ) {
    forward_request(gp, call);
    return;
  }
  if (!ignorable(phase) && !of_initiator(phase)) {
    violate(Rule::kWrongSender, Side::kInitiator, Attributes(gp), fmt::format("{} in nb_transport_fw", text(phase)));
    return;
  }
  Entry* entry = find(&gp);
  if (entry == nullptr || entry->state == State::kDone) {
    forward_late(gp, entry, phase);
    return;
  }
  if (entry->state == State::kBlocking) {
    violate(Rule::kBothTransports, Side::kInitiator, entry->sent,
            fmt::format("{} of what is in b_transport", text(phase)));
    return;
  }
  call.instance = entry->instance;
  call.steps = ++entry->steps;
  call.references = gp.get_ref_count();
  check_unmodified(*entry, gp, Side::kInitiator);
  check_time(*entry, call.time, Side::kInitiator);
  if (ignorable(phase)) {
    if (entry->phase == phase) {
      violate(Rule::kRepeatedPhase, Side::kInitiator, entry->sent, fmt::format("{} again", text(phase)));
    }
  } else if (entry->state != State::kResponse) {
    violate(Rule::kPhaseOrder, Side::kInitiator, entry->sent, fmt::format("END_RESP after {}", text(entry->phase)));
    call.instance = 0;
    return;
  }
  entry->phase = phase;
  entry->moved = sc_core::sc_time_stamp().value();
  if (phase == tlm::END_RESP) end(*entry, false);
}

void BaseProtocolChecker::target_phase(Entry& entry, const Payload& gp, const tlm::tlm_phase& phase) {
  const auto wrong = [&](Rule rule, const std::string& what) { violate(rule, Side::kTarget, entry.sent, what); };
  if (phase == tlm::END_REQ) {
    if (entry.state != State::kRequest) {
      wrong(entry.phase == phase ? Rule::kRepeatedPhase : Rule::kPhaseOrder,
            fmt::format("END_REQ after {}", text(entry.phase)));
      return;
    }
    entry.state = State::kAccepted;
    if (request_ == entry.key) request_ = nullptr;
  } else if (phase == tlm::BEGIN_RESP) {
    if (entry.state == State::kResponse) {
      wrong(Rule::kAnswersTwice, "BEGIN_RESP after BEGIN_RESP");
      return;
    }
    check_response(entry, gp);
    if (response_ != nullptr) {
      const Attributes& other = find(response_)->sent;
      wrong(Rule::kResponseExclusion, fmt::format("BEGIN_RESP while that of the {} at {:#x} has no END_RESP",
                                                  text(other.command), other.address));
    }
    entry.state = State::kResponse;
    response_ = entry.key;
    if (request_ == entry.key) request_ = nullptr;
  } else if (!ignorable(phase)) {
    wrong(Rule::kWrongSender, fmt::format("{} from the target", text(phase)));
    return;
  } else if (entry.phase == phase) {
    wrong(Rule::kRepeatedPhase, fmt::format("{} again", text(phase)));
  }
  entry.phase = phase;
  entry.moved = sc_core::sc_time_stamp().value();
}

void BaseProtocolChecker::fw_end(const Payload& gp, const tlm::tlm_phase& phase, const sc_core::sc_time& delay,
                                 tlm::tlm_sync_enum status) {
  Call call;
  if (!pop(gp, true, call)) return;
  Entry* entry = find(&gp);
  // Once a transaction has ended, its object may be gone: only what was sent is looked at.
  const Attributes sent = entry != nullptr ? entry->sent : Attributes(gp);
  check_returned(call, sent, phase, delay, status, Side::kTarget);
  if (call.instance == 0 || entry == nullptr || entry->instance != call.instance) return;
  if (call.phase == tlm::END_RESP) {
    if (status == tlm::TLM_UPDATED) violate(Rule::kReturnStatus, Side::kTarget, sent, "TLM_UPDATED at END_RESP");
    if (status == tlm::TLM_COMPLETED) check_time(*entry, effective(delay), Side::kTarget);
    return;
  }
  if (entry->state == State::kDone) {  // by a nested call
    if (status == tlm::TLM_COMPLETED) {
      violate(Rule::kAnswersTwice, Side::kTarget, sent, "TLM_COMPLETED after BEGIN_RESP");
    }
    return;
  }
  check_unmodified(*entry, gp, Side::kTarget);
  const bool nested = entry->steps != call.steps;
  if (call.phase == tlm::BEGIN_REQ && !nested && entry->managed && gp.has_mm() && gp.get_ref_count() > 0 &&
      gp.get_ref_count() < call.references) {
    violate(Rule::kReleasedInFlight, Side::kTarget, sent, "release() of a reference that is not the target's");
  }
  if (status == tlm::TLM_UPDATED) {
    check_time(*entry, effective(delay), Side::kTarget);
    if (phase != call.phase) target_phase(*entry, gp, phase);
  } else if (status == tlm::TLM_COMPLETED) {
    check_time(*entry, effective(delay), Side::kTarget);
    if (call.phase != tlm::BEGIN_REQ) {
      violate(Rule::kReturnStatus, Side::kTarget, sent, fmt::format("TLM_COMPLETED at {}", text(call.phase)));
    } else if (entry->state == State::kResponse) {
      violate(Rule::kAnswersTwice, Side::kTarget, sent, "TLM_COMPLETED after BEGIN_RESP");
    } else {
      if (response_ != nullptr) {
        const Attributes& other = find(response_)->sent;
        violate(Rule::kCompletedInResponse, Side::kTarget, sent,
                fmt::format("the response of the {} at {:#x} has no END_RESP", text(other.command), other.address));
      }
      check_response(*entry, gp);
    }
    end(*entry, true);
  }
}

void BaseProtocolChecker::bw_begin(const Payload& gp, const tlm::tlm_phase& phase, const sc_core::sc_time& delay) {
  Call& call = push(gp, phase, delay, false);
  Entry* entry = find(&gp);
  const auto wrong = [&](Rule rule, const std::string& what) {
    violate(rule, Side::kTarget, entry != nullptr ? entry->sent : Attributes(gp), what);
  };
  if (!ignorable(phase) && !of_target(phase)) {
    wrong(Rule::kWrongSender, fmt::format("{} in nb_transport_bw", text(phase)));
    return;
  }
  if (entry == nullptr || entry->state == State::kDone) {
    if (ignorable(phase)) {
      wrong(Rule::kIgnorablePhase,
            fmt::format("{} {}", text(phase), entry != nullptr ? "after the end" : "before BEGIN_REQ"));
    } else if (entry == nullptr || (entry->phase == tlm::UNINITIALIZED_PHASE && !entry->completed)) {
      wrong(Rule::kUnknownTransaction,
            fmt::format("{} {}", text(phase), entry != nullptr ? "after b_transport" : "without BEGIN_REQ"));
    } else if (entry->completed) {
      wrong(Rule::kAfterCompleted, text(phase));
    } else if (phase == tlm::BEGIN_RESP) {
      wrong(Rule::kAnswersTwice, "BEGIN_RESP after END_RESP");
    } else {
      wrong(Rule::kPhaseOrder, fmt::format("{} after END_RESP", text(phase)));
    }
    return;
  }
  if (entry->state == State::kBlocking) {
    wrong(Rule::kBothTransports, fmt::format("{} of what is in b_transport", text(phase)));
    return;
  }
  call.instance = entry->instance;
  call.steps = ++entry->steps;
  call.address = gp.get_address();
  call.status = gp.get_response_status();
  check_unmodified(*entry, gp, Side::kInitiator);
  check_time(*entry, call.time, Side::kTarget);
  target_phase(*entry, gp, phase);
}

void BaseProtocolChecker::bw_end(const Payload& gp, const tlm::tlm_phase& phase, const sc_core::sc_time& delay,
                                 tlm::tlm_sync_enum status) {
  Call call;
  if (!pop(gp, false, call)) return;
  Entry* entry = find(&gp);
  const Attributes sent = entry != nullptr ? entry->sent : Attributes(gp);
  check_returned(call, sent, phase, delay, status, Side::kInitiator);
  if (!alive(entry, call)) return;
  const auto wrong = [&](Rule rule, const std::string& what) { violate(rule, Side::kInitiator, sent, what); };
  if (status == tlm::TLM_COMPLETED) {
    // The initiator may have released the object: it is not looked at.
    check_time(*entry, effective(delay), Side::kInitiator);
    if (call.phase != tlm::BEGIN_RESP) wrong(Rule::kReturnStatus, "TLM_COMPLETED at " + text(call.phase));
    end(*entry, true);
    return;
  }
  const bool ends = status == tlm::TLM_UPDATED && phase == tlm::END_RESP && entry->state == State::kResponse;
  if (!ends && entry->steps == call.steps) {
    check_unmodified(*entry, gp, Side::kInitiator);
    if (gp.get_address() != call.address) {
      wrong(Rule::kAddressModified, fmt::format("{:#x} became {:#x} within nb_transport_bw", call.address,
                                                static_cast<std::uint64_t>(gp.get_address())));
    }
    if (gp.get_response_status() != call.status) {
      wrong(Rule::kAttributeModified, "the response status is not what the target had set");
    }
  }
  if (status != tlm::TLM_UPDATED) return;
  check_time(*entry, effective(delay), Side::kInitiator);
  if (ends) {
    entry->phase = tlm::END_RESP;
    end(*entry, false);
  } else if (phase == call.phase) {
    return;  // TLM_UPDATED without a phase
  } else if (of_initiator(phase)) {
    wrong(Rule::kPhaseOrder, fmt::format("{} after {}", text(phase), text(entry->phase)));
  } else if (!ignorable(phase)) {
    wrong(Rule::kWrongSender, fmt::format("{} returned by nb_transport_bw", text(phase)));
  } else {
    entry->phase = phase;
  }
}

// ---- b_transport

void BaseProtocolChecker::b_begin(const Payload& gp, const sc_core::sc_time& delay) {
  const std::uint64_t delta = sc_core::sc_delta_count();
  if (!calls_.empty() && !calls_.back().forward && calls_.back().delta == delta) {
    violate(Rule::kNestedCall, Side::kInitiator, Attributes(gp), "b_transport from within nb_transport_bw");
  }
  // Outside of a simulation the handle is that of the process created last.
  if (sc_core::sc_is_running() && sc_core::sc_get_current_process_handle().proc_kind() == sc_core::SC_METHOD_PROC_) {
    violate(Rule::kBlockingInMethod, Side::kInitiator, Attributes(gp), "a method process cannot wait");
  }
  Entry& entry = obtain(&gp);
  if (entry.state == State::kBlocking) {
    violate(Rule::kReentrant, Side::kInitiator, entry.sent, "called again before it returned");
    ++entry.depth;
    return;
  }
  if (entry.state != State::kDone) {
    violate(Rule::kBothTransports, Side::kInitiator, entry.sent,
            fmt::format("b_transport after {}, before the end", text(entry.phase)));
    return;
  }
  check_sent(gp);
  if (gp.has_mm() && gp.get_ref_count() < 1) {
    violate(Rule::kNoReference, Side::kInitiator, Attributes(gp), "acquire() comes before b_transport");
  }
  begin(entry, gp, State::kBlocking, effective(delay));
  entry.depth = 1;
}

void BaseProtocolChecker::b_end(const Payload& gp, const sc_core::sc_time& delay) {
  Entry* entry = find(&gp);
  if (entry == nullptr || entry->state != State::kBlocking || --entry->depth > 0) return;
  check_time(*entry, effective(delay), Side::kTarget);
  check_unmodified(*entry, gp, Side::kTarget);
  check_response(*entry, gp);
  if (gp.has_mm() && !entry->managed) {
    violate(Rule::kManagerLeft, Side::kTarget, entry->sent, "set within b_transport and not removed before the return");
  }
  end(*entry, false);
}

// ---- transport_dbg

void BaseProtocolChecker::debug_begin(const Payload& gp) {
  debug_ = Attributes(gp);
  debug_delta_ = sc_core::sc_delta_count();
  if (gp.get_data_length() > 0 && gp.get_data_ptr() == nullptr) {
    violate(Rule::kDebugPointer, Side::kInitiator, debug_, "null");
  }
  if (under_way(gp)) violate(Rule::kRecycledInFlight, Side::kInitiator, debug_, "transport_dbg before the end");
}

void BaseProtocolChecker::debug_end(const Payload& gp, unsigned count) {
  if (gp.get_command() != debug_.command || gp.get_data_ptr() != debug_.data || gp.get_data_length() != debug_.length) {
    violate(Rule::kDebugModified, Side::kTarget, debug_, "command, data pointer and length are the initiator's");
  }
  // What is returned for an ignore command is free.
  if (count > debug_.length && debug_.command != tlm::TLM_IGNORE_COMMAND) {
    violate(Rule::kDebugCount, Side::kTarget, debug_, fmt::format("{} B of {} B", count, debug_.length));
  }
  if (sc_core::sc_delta_count() != debug_delta_) {
    violate(Rule::kDebugWait, Side::kTarget, debug_, "returned later than it was called");
  }
}

// ---- Direct memory

void BaseProtocolChecker::dmi_begin(const Payload& gp, const tlm::tlm_dmi& dmi) {
  dmi_ = Attributes(gp);
  dmi_delta_ = sc_core::sc_delta_count();
  if (dmi_.command != tlm::TLM_READ_COMMAND && dmi_.command != tlm::TLM_WRITE_COMMAND) {
    violate(Rule::kDmiCommand, Side::kInitiator, dmi_, "neither read nor write");
  }
  if (dmi.get_dmi_ptr() != nullptr || !dmi.is_none_allowed() || dmi.get_start_address() != 0 ||
      dmi.get_end_address() != std::numeric_limits<sc_dt::uint64>::max() ||
      dmi.get_read_latency() != sc_core::SC_ZERO_TIME || dmi.get_write_latency() != sc_core::SC_ZERO_TIME) {
    violate(Rule::kDmiDescriptor, Side::kInitiator, dmi_, "init() comes before a second use");
  }
  if (under_way(gp)) violate(Rule::kRecycledInFlight, Side::kInitiator, dmi_, "get_direct_mem_ptr before the end");
}

void BaseProtocolChecker::dmi_end(const Payload& gp, const tlm::tlm_dmi& dmi, bool granted) {
  const auto wrong = [&](Rule rule, const std::string& what) { violate(rule, Side::kTarget, dmi_, what); };
  if (gp.get_command() != dmi_.command) wrong(Rule::kDmiModified, "the command is the initiator's");
  if (sc_core::sc_delta_count() != dmi_delta_) wrong(Rule::kDmiWait, "returned later than it was called");
  const Region region{dmi.get_start_address(), dmi.get_end_address(), dmi.get_granted_access(), granted};
  if (region.start > dmi_.address || region.end < dmi_.address) {
    wrong(Rule::kDmiRange, fmt::format("{:#x} to {:#x} does not contain the address asked for",
                                       std::uint64_t{region.start}, std::uint64_t{region.end}));
    return;
  }
  if (granted) {
    if (dmi.get_dmi_ptr() == nullptr) wrong(Rule::kDmiPointer, "granted, but null");
    const bool fits = dmi_.command == tlm::TLM_WRITE_COMMAND ? dmi.is_write_allowed() : dmi.is_read_allowed();
    if (!fits) wrong(Rule::kDmiAccess, fmt::format("granted, but not for a {}", text(dmi_.command)));
  }
  // Many targets that deny leave the descriptor as it was (no access, all addresses), which says nothing.
  if (region.access == tlm::tlm_dmi::DMI_ACCESS_NONE) return;
  for (const Region& other : regions_) {
    if (other.allowed == region.allowed) {
      const bool within = other.start <= region.start && region.end <= other.end;
      if (within && (region.access & ~other.access) == 0) return;
    } else if (other.start <= region.end && region.start <= other.end && (other.access & region.access) != 0) {
      wrong(Rule::kDmiOverlap,
            fmt::format("{:#x} to {:#x} is {}, {:#x} to {:#x} was {} and not invalidated since",
                        std::uint64_t{region.start}, std::uint64_t{region.end}, granted ? "granted" : "denied",
                        std::uint64_t{other.start}, std::uint64_t{other.end}, granted ? "denied" : "granted"));
      return;
    }
  }
  if (regions_.size() < kMostRegions) regions_.push_back(region);
}

void BaseProtocolChecker::invalidate(sc_dt::uint64 start, sc_dt::uint64 end) {
  if (start > end) {
    Attributes none;
    none.address = start;
    violate(Rule::kInvalidateRange, Side::kTarget, none,
            fmt::format("{:#x} to {:#x} ends before it starts", std::uint64_t{start}, std::uint64_t{end}));
  }
  regions_.erase(std::remove_if(regions_.begin(), regions_.end(),
                                [&](const Region& region) { return region.start <= end && start <= region.end; }),
                 regions_.end());
}

// ---- Messages

namespace {

std::string describe(tlm::tlm_command command, unsigned length, sc_dt::uint64 address) {
  return fmt::format("{} of {} B at {:#x}", text(command), length, static_cast<std::uint64_t>(address));
}

}  // namespace

void BaseProtocolChecker::violate(Rule rule, Side by, const Attributes& of, const std::string& what) {
  if (!checked_[index(rule)]) return;
  const std::uint64_t count = ++counts_[index(rule)];
  if (count > kMessages || !report_) return;
  std::string message = fmt::format("{}: {} (IEEE 1666-2011, {}): {}; {}, at {}, between {} and {}", who(by),
                                    name(rule), clause(rule), what, describe(of.command, of.length, of.address),
                                    sc_core::sc_time_stamp().to_string(), initiator_, target_);
  if (count == kMessages) message += "; further ones are only counted";
  report_(message);
}

std::vector<BaseProtocolChecker::Open> BaseProtocolChecker::open() const {
  std::vector<const Entry*> entries;
  for (const Entry& entry : table_) {
    if (entry.key != nullptr && entry.state != State::kDone) entries.push_back(&entry);
  }
  // By age: the table's order depends on addresses.
  std::sort(entries.begin(), entries.end(), [](const Entry* a, const Entry* b) { return a->instance < b->instance; });
  std::vector<Open> result;
  for (const Entry* entry : entries) {
    const char* what = "END_REQ or BEGIN_RESP";
    if (entry->state == State::kAccepted) what = "BEGIN_RESP";
    if (entry->state == State::kResponse) what = "END_RESP";
    if (entry->state == State::kBlocking) what = "the return of b_transport";
    Open open;
    open.owes = who(entry->state == State::kResponse ? Side::kInitiator : Side::kTarget);
    open.since = sc_core::sc_time::from_value(entry->moved);
    open.what = fmt::format("{} owes {}; {}, since {}, between {} and {}", open.owes, what,
                            describe(entry->sent.command, entry->sent.length, entry->sent.address),
                            open.since.to_string(), initiator_, target_);
    result.push_back(open);
  }
  return result;
}

}  // namespace cowosim::kernel
