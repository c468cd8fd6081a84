// A host of our own: writes a table into the package's memory, has the package copy it, and looks at the copy.
#pragma once

#include <tlm_utils/simple_initiator_socket.h>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <stdexcept>
#include <string>
#include <systemc>
#include <vector>

#include "platforms/host_interface.h"

namespace host = cowosim::host;

class MyCpu : public sc_core::sc_module {
 public:
  tlm_utils::simple_initiator_socket<MyCpu, 64> socket{"socket"};

  /// `registers` is where the package has its registers, `counter` the offset of the one that is read at the end; `done` is
  /// called then.
  MyCpu(const sc_core::sc_module_name& name, std::uint64_t registers, std::uint64_t counter, std::function<void()> done)
      : sc_module(name), registers_(registers), counter_(counter), done_(std::move(done)) {
    SC_HAS_PROCESS(MyCpu);
    SC_THREAD(run);
  }
  /// What went wrong; empty: nothing.
  const std::string& problem() const { return problem_; }
  sc_core::sc_time read_time, copy_time;
  std::uint64_t counter_value = 0;

 private:
  static constexpr std::uint64_t kRing = 1 << 20, kTable = 2 << 20, kCopy = 4 << 20, kFlag = 6 << 20,
                                 kUntouched = 8 << 20;
  static constexpr std::uint64_t kBytes = 64 << 10, kBurst = 4096;

  void run() {
    try {
      std::vector<unsigned char> table(kBytes);
      for (std::size_t i = 0; i < table.size(); ++i) table[i] = static_cast<unsigned char>(i * 7 + (i >> 8));
      for (std::uint64_t at = 0; at < kBytes; at += kBurst)
        access(tlm::TLM_WRITE_COMMAND, kTable + at, &table[at], kBurst);
      compare("what was written", read(kTable), table);

      const sc_core::sc_time rung = launch_copy();
      while (read64(kFlag) != 1) wait(1, sc_core::SC_US);
      copy_time = sc_core::sc_time_stamp() - rung;
      compare("the copy", read(kCopy), table);

      // What nobody has touched comes from memory, a share of it from whoever stands in place of a stack.
      const sc_core::sc_time begin = sc_core::sc_time_stamp();
      compare("untouched memory", read(kUntouched), std::vector<unsigned char>(kBytes, 0));
      read_time = sc_core::sc_time_stamp() - begin;
      counter_value = read64(registers_ + counter_);
    } catch (const std::exception& error) {
      problem_ = error.what();
    }
    done_();
  }

  /// Descriptor 0 of a ring of its own; returns when the doorbell was rung.
  sc_core::sc_time launch_copy() {
    host::Descriptor copy;
    copy.opcode = static_cast<std::uint8_t>(host::Opcode::copy);
    copy.flags = host::kNotify;
    copy.source = kTable;
    copy.destination = kCopy;
    copy.bytes = kBytes;
    copy.completion_address = kFlag;
    copy.completion_value = 1;
    unsigned char descriptor[host::kDescriptorBytes];
    host::pack(copy, descriptor);
    access(tlm::TLM_WRITE_COMMAND, kRing, descriptor, sizeof descriptor);
    write64(registers_ + host::ring_base, kRing);
    write64(registers_ + host::ring_entries, 16);
    const sc_core::sc_time rung = sc_core::sc_time_stamp();
    write64(registers_ + host::tail, 1);
    return rung;
  }

  std::vector<unsigned char> read(std::uint64_t address) {
    std::vector<unsigned char> bytes(kBytes);
    for (std::uint64_t at = 0; at < kBytes; at += kBurst)
      access(tlm::TLM_READ_COMMAND, address + at, &bytes[at], kBurst);
    return bytes;
  }
  std::uint64_t read64(std::uint64_t address) {
    unsigned char bytes[8];
    access(tlm::TLM_READ_COMMAND, address, bytes, sizeof bytes);
    return host::load_little_endian(bytes, sizeof bytes);
  }
  void write64(std::uint64_t address, std::uint64_t value) {
    unsigned char bytes[8];
    host::store_little_endian(value, bytes, sizeof bytes);
    access(tlm::TLM_WRITE_COMMAND, address, bytes, sizeof bytes);
  }

  /// Returns when the package has answered: the time has passed in b_transport.
  void access(tlm::tlm_command command, std::uint64_t address, unsigned char* bytes, unsigned length) {
    tlm::tlm_generic_payload payload;
    payload.set_command(command);
    payload.set_address(address);
    payload.set_data_ptr(bytes);
    payload.set_data_length(length);
    payload.set_streaming_width(length);
    sc_core::sc_time delay;
    socket->b_transport(payload, delay);
    wait(delay);
    if (payload.is_response_error())
      throw std::runtime_error(payload.get_response_string() + " at address " + std::to_string(address));
  }

  static void compare(const char* what, const std::vector<unsigned char>& found,
                      const std::vector<unsigned char>& expected) {
    const auto at = std::mismatch(found.begin(), found.end(), expected.begin()).first;
    if (at != found.end())
      throw std::runtime_error(std::string(what) + " differs in byte " + std::to_string(at - found.begin()));
  }

  std::uint64_t registers_, counter_;
  std::function<void()> done_;
  std::string problem_;
};
