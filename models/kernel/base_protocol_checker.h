// Watches one binding of two TLM-2.0 base-protocol sockets and names who breaks which rule.
//
// Embedded: whoever passes the calls of a binding on (a bridge, a monitor) says X_begin before and X_end after each of
// them, with the arguments as they are then. Nothing is changed, nothing is thrown, the call goes on; `report` must not
// throw either. A message names the offender, the rule with its clause, the transaction and the time:
//   top.cpu.socket: request exclusion (IEEE 1666-2011, 15.2.6 e): BEGIN_REQ while ...; write of 64 B at 0x1000,
//   at 10 ns, between top.cpu.socket and top.memory.socket
//
// Sources: IEEE 1666-2011, clauses 11 (interfaces), 14 (generic payload), 15 (base protocol); 11.1 to 11.3 are 11.2 to
// 11.4 in the edition of 2023, the others have kept their numbers. What there is a choice in:
// - Exclusion rules count calls, not annotated times (15.2.6 g): BEGIN_REQ may follow an END_REQ annotated with any
//   delay.
// - The effective time (sc_time_stamp() + delay) may not decrease for one transaction; between two of them it may
//   (15.2.7 g).
// - The address may change downstream, while the request is passed on (14.7 d), so only a change within
//   nb_transport_bw, where only the initiator's side runs, is held against anyone. All else that changes within a call
//   is the callee's doing; what changes between calls is the initiator's, whose object it is.
// - Byte enables longer or shorter than the data, streaming widths above the data length and widths that do not divide
//   it are legal (14.14 d and e, 14.15 f).
// - A nested call (nb_transport_bw within nb_transport_fw of the same binding, or the reverse) is forbidden by 11.1.2.4
//   and common all the same: not checked unless set_checked(Rule::kNestedCall, true). Phases are followed through it
//   either way.
// Not seen: data written too late or changed in flight, extensions, an object deleted in flight, and what needs more
// than one binding (two paths at once, an interconnect that answers for a target).
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <systemc>
#include <tlm>
#include <vector>

namespace cowosim::kernel {

class BaseProtocolChecker {
 public:
  using Payload = tlm::tlm_generic_payload;
  using Report = std::function<void(const std::string&)>;

  enum class Rule : std::uint8_t {
    // Phases
    kWrongSender,
    kPhaseOrder,
    kRepeatedPhase,
    kIgnorablePhase,
    kReturnStatus,
    kUpdatedWithoutPhase,
    kAcceptedButChanged,
    kAfterCompleted,
    kUnknownTransaction,
    kAnswersTwice,
    kBeginReqInFlight,
    kNestedCall,
    kWaitInNonBlocking,
    kRequestExclusion,
    kResponseExclusion,
    kCompletedInResponse,
    kTimeDecreases,
    // Attributes
    kCommand,
    kDataPointer,
    kDataLength,
    kByteEnableValue,
    kByteEnableLength,
    kStreamingWidth,
    kDmiHint,
    kOption,
    kStatusNotReset,
    kStatusNotSet,
    kAttributeModified,
    kAddressModified,
    // Lifetime
    kNoMemoryManager,
    kNoReference,
    kReleasedInFlight,
    kRecycledInFlight,
    kManagerRemoved,
    kManagerLeft,
    // b_transport
    kBlockingInMethod,
    kBothTransports,
    kReentrant,
    // transport_dbg
    kDebugPointer,
    kDebugModified,
    kDebugCount,
    kDebugWait,
    // Direct memory
    kDmiCommand,
    kDmiDescriptor,
    kDmiModified,
    kDmiRange,
    kDmiPointer,
    kDmiAccess,
    kDmiOverlap,
    kDmiWait,
    kInvalidateRange,
  };
  static constexpr std::size_t kRules = static_cast<std::size_t>(Rule::kInvalidateRange) + 1;
  static const char* name(Rule rule);
  static const char* clause(Rule rule);  ///< of IEEE 1666-2011

  /// Messages a rule before the rest is only counted: a model that is wrong is wrong in every transaction.
  static constexpr std::uint64_t kMessages = 10;

  BaseProtocolChecker(std::string initiator, std::string target, Report report);

  /// Hierarchical names; a peer may be known only after binding.
  void set_initiator(std::string name) { initiator_ = std::move(name); }
  void set_target(std::string name) { target_ = std::move(name); }
  void set_checked(Rule rule, bool checked) { checked_[index(rule)] = checked; }

  void fw_begin(const Payload& gp, const tlm::tlm_phase& phase, const sc_core::sc_time& delay);
  void fw_end(const Payload& gp, const tlm::tlm_phase& phase, const sc_core::sc_time& delay, tlm::tlm_sync_enum status);
  void bw_begin(const Payload& gp, const tlm::tlm_phase& phase, const sc_core::sc_time& delay);
  void bw_end(const Payload& gp, const tlm::tlm_phase& phase, const sc_core::sc_time& delay, tlm::tlm_sync_enum status);
  void b_begin(const Payload& gp, const sc_core::sc_time& delay);
  void b_end(const Payload& gp, const sc_core::sc_time& delay);
  void debug_begin(const Payload& gp);
  void debug_end(const Payload& gp, unsigned count);
  void dmi_begin(const Payload& gp, const tlm::tlm_dmi& dmi);
  void dmi_end(const Payload& gp, const tlm::tlm_dmi& dmi, bool granted);
  void invalidate(sc_dt::uint64 start, sc_dt::uint64 end);

  /// Transactions under way: not yet ended by END_RESP, TLM_COMPLETED or the return of b_transport.
  std::size_t outstanding() const { return outstanding_; }

  /// One of them: who has to move next, and since when nobody has. Whether that is a fault, the caller knows: at the
  /// end of a simulation that was stopped by a time it is none.
  struct Open {
    std::string owes;  ///< the initiator's or the target's name
    std::string what;  ///< "top.memory.socket owes BEGIN_RESP; read of 64 B at 0x40, since 10 ns, between ... and ..."
    sc_core::sc_time since;
  };
  std::vector<Open> open() const;  ///< in the order in which they began

  std::uint64_t violations(Rule rule) const { return counts_[index(rule)]; }
  std::uint64_t violations() const;

 private:
  enum class Side : std::uint8_t { kInitiator, kTarget };
  enum class State : std::uint8_t { kDone, kRequest, kAccepted, kResponse, kBlocking };

  /// What only the initiator sets, as it was when the transaction began.
  struct Attributes {
    explicit Attributes(const Payload& gp);
    Attributes() = default;
    const char* difference(const Payload& gp) const;  ///< name of the first that differs (the address apart), or null

    sc_dt::uint64 address = 0;
    const unsigned char* data = nullptr;
    const unsigned char* byte_enable = nullptr;
    unsigned length = 0;
    unsigned byte_enable_length = 0;
    unsigned streaming_width = 0;
    tlm::tlm_command command = tlm::TLM_IGNORE_COMMAND;
    tlm::tlm_gp_option option = tlm::TLM_MIN_PAYLOAD;
  };

  struct Entry {
    const Payload* key = nullptr;
    Attributes sent;
    std::uint64_t instance = 0;  ///< of all transactions of this binding; objects are used again
    std::uint64_t time = 0;      ///< latest effective time, in units of the resolution
    std::uint64_t moved = 0;     ///< simulated time of the last step
    tlm::tlm_phase phase;        ///< last one passed
    unsigned steps = 0;          ///< nb_transport calls so far: more of them than before is a nested call
    unsigned depth = 0;          ///< of b_transport
    State state = State::kDone;
    bool managed = false;    ///< there is a memory manager with a reference to count
    bool completed = false;  ///< ended by TLM_COMPLETED
  };

  /// An nb_transport call under way.
  struct Call {
    const Payload* gp = nullptr;
    std::uint64_t instance = 0;  ///< 0: of no transaction the checker follows
    std::uint64_t time = 0;
    std::uint64_t delta = 0;
    sc_core::sc_time delay;
    sc_dt::uint64 address = 0;
    tlm::tlm_phase phase;
    unsigned steps = 0;
    int references = 0;
    tlm::tlm_response_status status = tlm::TLM_INCOMPLETE_RESPONSE;
    bool forward = true;
  };

  struct Region {
    sc_dt::uint64 start, end;
    int access;
    bool allowed;
  };

  static std::size_t index(Rule rule) { return static_cast<std::size_t>(rule); }
  static std::uint64_t effective(const sc_core::sc_time& delay);

  // Open addressing by the payload's address. Ended transactions stay until the table is full, so that a late call is
  // known as one; in steady state nothing is allocated.
  std::size_t slot(const Payload* key) const;
  Entry* find(const Payload* key);
  Entry& obtain(const Payload* key);
  void make_room();

  Call& push(const Payload& gp, const tlm::tlm_phase& phase, const sc_core::sc_time& delay, bool forward);
  bool pop(const Payload& gp, bool forward, Call& call);
  static bool alive(const Entry* entry, const Call& call);

  void begin(Entry& entry, const Payload& gp, State state, std::uint64_t time);
  void end(Entry& entry, bool completed);
  void check_sent(const Payload& gp);
  void check_unmodified(Entry& entry, const Payload& gp, Side by);
  void check_response(const Entry& entry, const Payload& gp);
  void check_time(Entry& entry, std::uint64_t time, Side by);
  void check_returned(const Call& call, const Attributes& sent, const tlm::tlm_phase& phase,
                      const sc_core::sc_time& delay, tlm::tlm_sync_enum status, Side by);
  void forward_request(const Payload& gp, Call& call);
  void forward_late(const Payload& gp, Entry* entry, const tlm::tlm_phase& phase);
  void target_phase(Entry& entry, const Payload& gp, const tlm::tlm_phase& phase);
  bool under_way(const Payload& gp);

  void violate(Rule rule, Side by, const Attributes& of, const std::string& what);
  const std::string& who(Side side) const { return side == Side::kInitiator ? initiator_ : target_; }

  std::string initiator_;
  std::string target_;
  Report report_;
  std::array<bool, kRules> checked_;
  std::array<std::uint64_t, kRules> counts_{};

  std::vector<Entry> table_;
  std::size_t used_ = 0;
  std::size_t outstanding_ = 0;
  unsigned shift_ = 0;
  std::uint64_t instances_ = 0;
  std::vector<Call> calls_;

  const Payload* request_ = nullptr;   ///< BEGIN_REQ without END_REQ
  const Payload* response_ = nullptr;  ///< BEGIN_RESP without END_RESP

  Attributes debug_;
  std::uint64_t debug_delta_ = 0;
  Attributes dmi_;
  std::uint64_t dmi_delta_ = 0;
  std::vector<Region> regions_;  ///< granted or denied and not invalidated since
};

}  // namespace cowosim::kernel
