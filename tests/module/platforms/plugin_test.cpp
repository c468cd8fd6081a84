// Models from plug-ins in their places: a real library (the guide's template), types that misbehave, and sockets that
// stand for a package's.
#include <gmock/gmock.h>
#include <tlm_utils/simple_initiator_socket.h>
#include <tlm_utils/simple_target_socket.h>

#include <fstream>
#include <map>
#include <systemc>

#include "core/error.h"
#include "platforms/config/yaml.h"
#include "platforms/configuration.h"
#include "platforms/plugin_models.h"

namespace cowosim::platforms {
namespace {

using sc_core::sc_time;
using testing::ElementsAre;
using testing::HasSubstr;

/// What a bridge will be: a memory behind every target socket, and initiator sockets that the test drives.
class FakePackage : public sc_core::sc_module {
 public:
  /// Elaborates the entries of a platform as a package does, in its constructor.
  explicit FakePackage(const sc_core::sc_module_name& name, std::vector<ForeignEntry>& entries,
                       const config::Value& resolved = {})
      : sc_module(name) {
    ForeignSocketsOf<FakePackage> sockets(*this);
    ForeignServices services;
    services.seed = 7;
    services.finish = [this](int foreign) { finished.push_back(foreign); };
    services.fail = [this](int foreign, const std::string& what) {
      failed.push_back(std::to_string(foreign) + ": " + what);
    };
    models = create_plugins(entries, sockets, services, resolved);
  }

  template <unsigned W>
  tlm_utils::simple_target_socket<FakePackage, W>& target_socket(const std::string& foreign, int i) {
    auto socket =
        std::make_shared<tlm_utils::simple_target_socket<FakePackage, W>>((foreign + "_" + std::to_string(i)).c_str());
    socket->register_b_transport(this, &FakePackage::answer);
    return keep(std::move(socket));
  }
  template <unsigned W>
  tlm_utils::simple_initiator_socket<FakePackage, W>& initiator_socket(const std::string& foreign, int i) {
    auto socket = std::make_shared<tlm_utils::simple_initiator_socket<FakePackage, W>>(
        (foreign + "_" + std::to_string(i)).c_str());
    auto& made = keep(std::move(socket));
    drive = [&made](tlm::tlm_generic_payload& payload, sc_time& delay) { made->b_transport(payload, delay); };
    return made;
  }

  std::map<std::uint64_t, unsigned char> memory;
  std::map<std::string, std::uint64_t> counts;  // of writes and reads
  std::vector<unsigned> widths;
  std::vector<int> finished;
  std::vector<std::string> failed;
  std::function<void(tlm::tlm_generic_payload&, sc_time&)> drive;
  std::function<void(tlm::tlm_generic_payload&)> meddle = [](tlm::tlm_generic_payload&) {};
  std::vector<std::unique_ptr<PluginModel>> models;

 private:
  template <class Socket>
  Socket& keep(std::shared_ptr<Socket> socket) {
    Socket& made = *socket;
    widths.push_back(made.get_bus_width());
    sockets_.push_back(std::move(socket));
    return made;
  }

  void answer(tlm::tlm_generic_payload& payload, sc_time& delay) {
    for (unsigned i = 0; i < payload.get_data_length(); ++i) {
      if (payload.is_write()) memory[payload.get_address() + i] = payload.get_data_ptr()[i];
      if (payload.is_read()) payload.get_data_ptr()[i] = memory[payload.get_address() + i];
    }
    ++counts[payload.is_write() ? "writes" : "reads"];
    delay += sc_time(100, sc_core::SC_NS);
    payload.set_response_status(tlm::TLM_OK_RESPONSE);
    meddle(payload);
  }

  std::vector<std::shared_ptr<void>> sockets_;
};

/// The section `foreign` of a platform file, with the guide's plug-in.
Configuration configured(const std::string& foreign, std::vector<std::string> settings = {}) {
  const std::string file = testing::TempDir() + "plugin_test_" + std::to_string(getpid()) + ".yaml";
  std::ofstream(file) << "extends: h100_sxm5\nforeign:\n" << foreign;
  RunOptions options;
  options.platform = file;
  options.without_traffic = true;
  options.settings = std::move(settings);
  Configuration configuration = configure(options);
  std::remove(file.c_str());
  return configuration;
}
const std::string kNpu =
    "  npu: {at: die_0, plugin: " COWOSIM_TEST_PLUGIN ", type: my_npu, parameters: {footprint: 4KiB}}\n";
const std::string kMemory =
    "  memory:\n    {role: target, at: die_0, base: 1TiB, size: 16KiB, plugin: " COWOSIM_TEST_PLUGIN
    ", type: my_memory, parameters: {latency: 5ns, first: 4KiB, bytes: 8KiB}}\n";

TEST(Plugin, AnInitiatorWritesAndReadsThroughThePackagesSocket) {
  Configuration configuration = configured(kNpu, {"foreign.npu.parameters.verify=true"});
  FakePackage package("package", configuration.platform.foreign);
  EXPECT_NE(sc_core::sc_find_object("package.npu.socket"), nullptr);
  sc_core::sc_start();
  EXPECT_THAT(package.finished, ElementsAre(0));
  EXPECT_THAT(package.failed, ElementsAre());
  EXPECT_THAT(package.widths, ElementsAre(512u));
  EXPECT_EQ(package.memory.size(), 4096u);
  EXPECT_EQ(package.counts["writes"], 64u);
  EXPECT_EQ(package.counts["reads"], 64u);
  // 64 accesses by 8 lanes: 8 writes and 8 reads each, 100 ns long and with a clock of 1 ns after each.
  EXPECT_EQ(sc_core::sc_time_stamp(), sc_time(16 * 101, sc_core::SC_NS));
}

TEST(Plugin, AnInitiatorNamesTheByteThatItDidNotWrite) {
  Configuration configuration = configured(kNpu, {"foreign.npu.parameters.verify=true"});
  FakePackage package("package", configuration.platform.foreign);
  package.meddle = [](tlm::tlm_generic_payload& payload) {
    if (payload.is_read() && payload.get_address() == 0x340) payload.get_data_ptr()[5] ^= 0x10;
  };
  sc_core::sc_start();
  EXPECT_THAT(package.failed, ElementsAre(HasSubstr("at address 0x345, but wrote 0x")));
  EXPECT_THAT(package.finished, ElementsAre());
}

TEST(Plugin, AnInitiatorNamesAnErrorResponse) {
  Configuration configuration = configured(kNpu);
  FakePackage package("package", configuration.platform.foreign);
  package.meddle = [](tlm::tlm_generic_payload& payload) {
    if (payload.get_address() == 0x400) payload.set_response_status(tlm::TLM_ADDRESS_ERROR_RESPONSE);
  };
  sc_core::sc_start();
  EXPECT_THAT(package.failed, ElementsAre("0: got TLM_ADDRESS_ERROR_RESPONSE at address 0x400"));
}

TEST(Plugin, EachEntryHasValuesAndASeedOfItsOwn) {
  Configuration configuration =
      configured(kNpu + "  other: {at: die_0, plugin: " COWOSIM_TEST_PLUGIN
                        ", type: my_npu, parameters: {footprint: 64B, lanes: 1, base: 1MiB}}\n",
                 {"foreign.npu.parameters.lanes=64"});
  FakePackage package("package", configuration.platform.foreign);
  sc_core::sc_start();
  EXPECT_THAT(package.finished, ElementsAre(0, 1));
  EXPECT_EQ(sc_core::sc_time_stamp(), sc_time(2 * 101, sc_core::SC_NS));
  EXPECT_EQ(package.memory.size(), 4096u + 64u);
  bool differs = false;
  for (std::uint64_t i = 0; i < 64; ++i) differs |= package.memory[i] != package.memory[(1u << 20) + i];
  EXPECT_TRUE(differs);
}

TEST(Plugin, ATargetAnswersThePackage) {
  Configuration configuration = configured(kMemory);
  FakePackage package("package", configuration.platform.foreign);
  ASSERT_TRUE(package.drive);
  unsigned char data[4] = {1, 2, 3, 4};
  tlm::tlm_generic_payload payload;
  const auto call = [&](tlm::tlm_command command, std::uint64_t address) {
    payload.set_command(command);
    payload.set_address(address);
    payload.set_data_ptr(data);
    payload.set_data_length(4);
    payload.set_streaming_width(4);
    payload.set_response_status(tlm::TLM_INCOMPLETE_RESPONSE);
    sc_time delay;
    package.drive(payload, delay);
    EXPECT_EQ(delay, sc_time(5, sc_core::SC_NS));
    return payload.get_response_status();
  };
  sc_core::sc_start(sc_core::SC_ZERO_TIME);
  unsigned char enables[2] = {TLM_BYTE_ENABLED, TLM_BYTE_DISABLED};
  payload.set_byte_enable_ptr(enables);
  payload.set_byte_enable_length(2);
  EXPECT_EQ(call(tlm::TLM_WRITE_COMMAND, 8190), tlm::TLM_OK_RESPONSE);  // over the end of a page
  payload.set_byte_enable_ptr(nullptr);
  std::fill(std::begin(data), std::end(data), 9);
  EXPECT_EQ(call(tlm::TLM_READ_COMMAND, 8190), tlm::TLM_OK_RESPONSE);
  EXPECT_THAT(data, ElementsAre(1, 0, 3, 0));
  EXPECT_EQ(call(tlm::TLM_READ_COMMAND, 12284), tlm::TLM_OK_RESPONSE);
  EXPECT_EQ(call(tlm::TLM_READ_COMMAND, 12285), tlm::TLM_ADDRESS_ERROR_RESPONSE);
  EXPECT_EQ(call(tlm::TLM_READ_COMMAND, 4095), tlm::TLM_ADDRESS_ERROR_RESPONSE);
}

TEST(Plugin, WhatConfigYamlHoldsConfiguresTheSame) {
  const Configuration first = configured(kNpu + kMemory, {"foreign.npu.parameters.period=3ns"});
  const config::Value* npu = first.resolved.find("foreign")->find("npu");
  EXPECT_EQ(npu->find("plugin")->text, COWOSIM_TEST_PLUGIN);
  EXPECT_EQ(npu->at("parameters.period")->text, "3ns");
  EXPECT_EQ(npu->at("parameters.lanes")->text, "8");
  const std::string text = config::to_yaml(first.resolved);
  const std::string file = testing::TempDir() + "plugin_test_again_" + std::to_string(getpid()) + ".yaml";
  std::ofstream(file) << text;
  RunOptions options;
  options.platform = file;
  options.without_traffic = true;
  EXPECT_EQ(config::to_yaml(configure(options).resolved), text);
  std::remove(file.c_str());
}

/// A model whose bind does what a test says.
struct Binder : sc_core::sc_module, plugin::Model {
  struct Values {
    int fault = 0;
    template <class Visitor>
    void visit(Visitor& v) {
      v("fault", fault, Range{0, 9}, "", "");
    }
  };
  Binder(const sc_core::sc_module_name& name, const Values& values, plugin::Host&)
      : sc_module(name), fault(values.fault) {
    if (fault == 1) throw std::runtime_error("out of weights");
  }
  void bind(plugin::Ports& ports) override {
    if (fault == 2) return ports.bind(in);
    if (fault == 3) return ports.bind(odd);
    ports.bind(out);
    if (fault == 4) ports.bind(more);
    if (fault == 5) ports.bind(more, 1);
  }
  tlm_utils::simple_initiator_socket<Binder> out{"out"};
  tlm_utils::simple_initiator_socket<Binder> more{"more"};
  tlm_utils::simple_initiator_socket<Binder, 24> odd{"odd"};
  tlm_utils::simple_target_socket<Binder> in{"in"};
  int fault;
};
const plugin::TypeOf<Binder, Binder::Values> kBinder("binder", plugin::Role::initiator, "");

/// What elaboration says of a model with a fault.
std::string fault(int which, int sockets = 1) {
  static int packages = 0;
  std::vector<ForeignEntry> entries(1);
  entries[0].name = "npu";
  entries[0].type = "binder";
  entries[0].sockets = sockets;
  entries[0].model = &kBinder;
  auto values = kBinder.parameters();
  struct Set final : ParameterVisitor {
    int to;
    explicit Set(int value) : to(value) {}
    void value(const Field&, const Reference& reference) override { *std::get<int*>(reference) = to; }
    void begin_group(const std::string&, const std::string&) override {}
    std::vector<std::string> begin_entries(const std::string&, const std::vector<std::string>&,
                                           const std::string&) override {
      return {};
    }
    void begin_entry(const std::string&) override {}
    std::size_t begin_list(const std::string&, std::size_t, bool&, const std::string&) override { return 0; }
    void begin_item(std::size_t) override {}
    void end() override {}
  } set(which);
  values->visit(set);
  entries[0].values = PluginValues(std::move(values));
  const config::Value resolved = config::Value::map(Origin{"p.yaml", 3, 4});
  const std::string name = "package_" + std::to_string(packages++);
  try {
    FakePackage package(name.c_str(), entries, resolved);
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "";
}

TEST(Plugin, AModelThatCannotBeBuiltOrDoesNotBindIsNamed) {
  const std::string at = "p.yaml:3:4: error: foreign.npu.type: binder: ";
  EXPECT_EQ(fault(0), "");
  EXPECT_EQ(fault(0, 2), at + "it does not bind socket 1 of 2 (sockets: 2)");
  EXPECT_EQ(fault(1), at + "out of weights");
  EXPECT_EQ(fault(2), at + "it binds a socket of a target, but is an initiator");
  EXPECT_EQ(fault(3), at + "sockets are 8, 16, 32 ... 4096 bits wide, not 24");
  EXPECT_EQ(fault(4), at + "it binds socket 0 twice");
  EXPECT_EQ(fault(5), at + "it binds socket 1, but there are only 1 (sockets: 1)");
  EXPECT_EQ(fault(5, 2), "");
}

}  // namespace
}  // namespace cowosim::platforms
