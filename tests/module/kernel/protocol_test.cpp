// The package's protocol and the base protocol do not mix: the compiler refuses. Checked where the compiler can say so.
#include <gtest/gtest.h>

#include <tlm>
#include <type_traits>

#include "kernel/ports.h"

namespace cowosim::kernel {
namespace {

template <class Initiator, class Target, class = void>
struct Binds : std::false_type {};
template <class Initiator, class Target>
struct Binds<Initiator, Target, std::void_t<decltype(std::declval<Initiator&>().bind(std::declval<Target&>()))>>
    : std::true_type {};

using PackageInitiator = InitiatorPort::Socket;
using PackageTarget = TargetPort::Socket;
using BaseInitiator = tlm::tlm_initiator_socket<kBusWidth>;
using BaseTarget = tlm::tlm_target_socket<kBusWidth>;

static_assert(Binds<PackageInitiator, PackageTarget>::value, "what belongs together binds");
static_assert(Binds<BaseInitiator, BaseTarget>::value,
              "and so does the base protocol, or the detection would prove nothing");
static_assert(!Binds<BaseInitiator, PackageTarget>::value, "a foreign initiator needs a bridge");
static_assert(!Binds<PackageInitiator, BaseTarget>::value, "a foreign target needs a bridge");

TEST(Protocol, ItsPayloadIsAGenericPayload) {
  // So that everything that looks at payloads (monitors, extensions) works on these too.
  static_assert(std::is_base_of_v<tlm::tlm_generic_payload, PackageProtocol::tlm_payload_type>);
  PackagePayload payload;
  EXPECT_EQ(payload.transaction, kNoHandle);
  EXPECT_EQ(kBusWidth, 8 * kAtomBytes);
}

}  // namespace
}  // namespace cowosim::kernel
