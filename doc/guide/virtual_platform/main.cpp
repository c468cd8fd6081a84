// my_platform FILE [PATH=VALUE...]: a package of that file with our own models around it.
#include <cinttypes>
#include <cstdio>
#include <stdexcept>
#include <systemc>

#include "core/error.h"
#include "my_cpu.h"
#include "my_memory.h"
#include "platforms/package.h"

namespace {

std::uint64_t base_of_registers(const cowosim::Package& package) {
  for (const cowosim::AddressRegion& region : package.address_map().regions())
    if (region.kind == cowosim::AddressRegion::Kind::registers) return region.first;
  throw std::runtime_error("the package has no registers");
}

std::uint64_t offset_of(const cowosim::Package& package, const std::string& name) {
  for (const auto& info : package.registers())
    if (info.name == name) return info.offset;
  throw std::runtime_error("the package has no register " + name);
}

int simulate(const cowosim::RunOptions& options) {
  cowosim::Package package("package", options);
  MyCpu cpu("cpu", base_of_registers(package), offset_of(package, "foreign_my_memory.reads"),
            [&package] { package.foreign_initiator("cpu").finish(); });
  MyMemory memory("memory", sc_core::sc_time(40, sc_core::SC_NS), sc_core::sc_time(1.5, sc_core::SC_PS));
  cpu.socket.bind(package.target_socket<64>("cpu"));
  package.initiator_socket<512>("my_memory").bind(memory.socket);

  sc_core::sc_start();  // returns when the host has finished and nothing is under way
  package.stop();       // or when nobody has anything to do any more: then this ends the run
  package.rethrow();

  for (const std::string& violation : package.violations()) std::printf("broken: %s\n", violation.c_str());
  for (const auto& wait : package.waits())
    std::printf("%s waits for %s: %s\n", wait.waiter.c_str(), wait.waits_for.c_str(), wait.reason.c_str());
  if (!cpu.problem().empty()) std::printf("cpu: %s\n", cpu.problem().c_str());
  const auto ns = [](const sc_core::sc_time& t) { return t / sc_core::sc_time(1, sc_core::SC_NS); };
  std::printf("run: %s at %.3f ns\n", package.reason().c_str(), ns(sc_core::sc_time_stamp()));
  std::printf("copy: %.3f ns until the host saw it\n", ns(cpu.copy_time));
  std::printf("untouched memory: %.3f ns for 16 reads of 4 KiB\n", ns(cpu.read_time));
  std::printf("our memory: %" PRIu64 " reads, its counter: %" PRIu64 "\n", memory.reads(), cpu.counter_value);
  for (const auto& stream : package.results().streams)
    std::printf("stream %s: %" PRIu64 " transactions\n", stream.name.c_str(), stream.transactions);
  std::printf("hash %016" PRIx64 "\n", package.completion_hash());

  const bool sound = package.status() == cowosim::engine::Status::completed && package.violations().empty();
  return sound && cpu.problem().empty() && memory.reads() == cpu.counter_value ? 0 : 1;
}

}  // namespace

int sc_main(int argc, char** argv) {
  if (argc < 2) {
    std::puts("my_platform FILE [PATH=VALUE...]");
    return 2;
  }
  cowosim::RunOptions options;
  options.platform = argv[1];
  options.settings.assign(argv + 2, argv + argc);
  try {
    return simulate(options);
  } catch (const std::exception& error) {  // of configuration, with file and line; of what was bound; of the run
    std::printf("%s\n", error.what());
    return 2;
  }
}
