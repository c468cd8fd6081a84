// Plug-ins: TLM-2.0 models of your own, in a shared library that a platform file names.
//
//   class Npu : public sc_core::sc_module, public cowosim::plugin::Model {
//     tlm_utils::simple_initiator_socket<Npu, 64> socket{"socket"};
//     Npu(const sc_core::sc_module_name& name, const NpuParams& params, cowosim::plugin::Host& host);
//     void bind(cowosim::plugin::Ports& ports) override { ports.bind(socket); }
//   };
//   const cowosim::plugin::TypeOf<Npu, NpuParams> npu("my_npu", cowosim::plugin::Role::initiator, "what it is");
//   COWOSIM_PLUGIN(&npu)
//
// NpuParams describes its members as every parameter struct does (core/parameter.h): name, unit, range, doc, source. So
// a plug-in's parameters are checked, set by --set, listed and written to config.yaml like the package's own.
// doc/guide/plugins.md and doc/guide/plugin_template are a complete project.
//
// Contract
//  - A plug-in links SystemC and nothing of cowosim: everything here is inline or virtual. CMake: cowosim::plugin.
//  - Sockets are of the base protocol (IEEE 1666-2011, clause 15), 8, 16, 32 ... 4096 bits wide.
//  - A library is loaded once and stays; its models are made during elaboration, one for each entry of `foreign`.
//  - Errors: what a constructor or `bind` throws (std::exception) ends elaboration and is reported at the entry's
//    `type`; what goes wrong later is told with Host::fail.
//  - Whoever changes anything here, a layout in core/parameter.h or the virtual functions of core/parameter_visitor.h
//    gives COWOSIM_PLUGIN_INTERFACE a new number.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <systemc>
#include <tlm>
#include <utility>
#include <vector>

#include "core/parameter.h"
#include "core/parameter_visitor.h"

#define COWOSIM_PLUGIN_INTERFACE 1

namespace cowosim::plugin {

inline constexpr int kInterfaceVersion = COWOSIM_PLUGIN_INTERFACE;

enum class Role : std::uint8_t {
  initiator,  ///< sends requests
  target      ///< answers them
};
/// As the platform file writes it.
constexpr const char* name_of(Role role) { return role == Role::initiator ? "initiator" : "target"; }

/// What the package does for a model. Lives longer than the model. Call it from constructors and SystemC processes
/// only.
class Host {
 public:
  /// The entry's name in the platform file.
  virtual const char* name() const = 0;
  /// For random numbers: of the run's seed and the name, so that equal runs are equal.
  virtual std::uint64_t seed() const = 0;
  /// This initiator will send no more: the run may end. Until then it goes on, or to its time limit.
  virtual void finish() = 0;
  /// Something went wrong that makes the run worthless: it ends, and the message is reported with the model's name.
  virtual void fail(const std::string& message) = 0;

 protected:
  ~Host() = default;
};

/// The package's sockets for one model: `sockets` of its entry in the platform file, each to be bound once.
class Ports {
 public:
  using Forward = tlm::tlm_fw_transport_if<>;
  using Backward = tlm::tlm_bw_transport_if<>;

  virtual int count() const = 0;

  /// Binds an initiator's socket (any kind: simple, multi, tagged, your own) to the package's target socket `i`.
  template <unsigned Width>
  void bind(tlm::tlm_base_initiator_socket_b<Width, Forward, Backward>& socket, int i = 0) {
    const Target end = target(i, Width);
    socket.get_base_port()(*end.forward);
    (*end.backward)(socket.get_base_interface());
  }
  /// Binds the package's initiator socket `i` to a target's socket.
  template <unsigned Width>
  void bind(tlm::tlm_base_target_socket_b<Width, Forward, Backward>& socket, int i = 0) {
    const Initiator end = initiator(i, Width);
    (*end.forward)(socket.get_base_interface());
    socket.get_base_port()(*end.backward);
  }

  /// The package's side of a binding, in pieces: a socket's width is part of its type, which no virtual function can
  /// take.
  struct Target {
    Forward* forward;
    sc_core::sc_port_b<Backward>* backward;
  };
  struct Initiator {
    sc_core::sc_port_b<Forward>* forward;
    Backward* backward;
  };

 protected:
  ~Ports() = default;
  /// Throw std::invalid_argument when there is no socket `i` left or none of that width.
  virtual Target target(int i, unsigned width) = 0;
  virtual Initiator initiator(int i, unsigned width) = 0;
};

/// One model in its place. Its module (or modules) are children of the package.
class Model {
 public:
  virtual ~Model() = default;
  /// Called once, after construction and before the end of elaboration: binds each of the `ports`.
  virtual void bind(Ports& ports) = 0;
};

/// The values of one entry's parameters.
class Parameters {
 public:
  virtual ~Parameters() = default;
  virtual void visit(ParameterVisitor& visitor) = 0;
  virtual std::unique_ptr<Parameters> clone() const = 0;
  /// What does not go together, each with the name of a parameter.
  virtual std::vector<ParameterProblem> problems() const = 0;
};

/// A kind of model that a plug-in has. Lives as long as the library.
class Type {
 public:
  virtual const char* name() const = 0;  ///< as `type` in the platform file: snake_case
  virtual Role role() const = 0;
  virtual const char* doc() const = 0;  ///< one line
  /// Fresh ones: their values are the defaults.
  virtual std::unique_ptr<Parameters> parameters() const = 0;
  /// Makes a model, whose module is to be called `name`. `values` come from parameters() of the same type and, like
  /// `host`, live longer than the model.
  virtual std::unique_ptr<Model> create(const char* name, const Parameters& values, Host& host) const = 0;

 protected:
  ~Type() = default;
};

struct NoParameters {
  template <class Visitor>
  void visit(Visitor&) {}
};

/// The type of M, a Model with a constructor M(const sc_core::sc_module_name&, const Values&, Host&). Values is a
/// parameter struct; it may have `std::vector<ParameterProblem> problems() const`.
template <class M, class Values = NoParameters>
class TypeOf final : public Type {
 public:
  TypeOf(const char* name, Role role, const char* doc) : name_(name), doc_(doc), role_(role) {}
  const char* name() const override { return name_; }
  Role role() const override { return role_; }
  const char* doc() const override { return doc_; }
  std::unique_ptr<Parameters> parameters() const override { return std::make_unique<Held>(); }
  std::unique_ptr<Model> create(const char* name, const Parameters& values, Host& host) const override {
    return std::make_unique<M>(name, static_cast<const Held&>(values).values, host);
  }

 private:
  struct Held final : Parameters {
    Values values;
    void visit(ParameterVisitor& visitor) override { values.visit(visitor); }
    std::unique_ptr<Parameters> clone() const override { return std::make_unique<Held>(*this); }
    std::vector<ParameterProblem> problems() const override { return problems_of(values, 0); }
  };
  template <class V>
  static auto problems_of(const V& values, int) -> decltype(values.problems()) {
    return values.problems();
  }
  template <class V>
  static std::vector<ParameterProblem> problems_of(const V&, long) {
    return {};
  }

  const char* name_;
  const char* doc_;
  Role role_;
};

/// What a plug-in's entry point returns.
struct Library {
  const char* abi;  ///< COWOSIM_PLUGIN_ABI of its headers
  const Type* const* types;
  std::size_t type_count;
};

#define COWOSIM_PLUGIN_TEXT_(x) #x
#define COWOSIM_PLUGIN_TEXT(x) COWOSIM_PLUGIN_TEXT_(x)
#if defined(_LIBCPP_VERSION)
#define COWOSIM_PLUGIN_STANDARD_LIBRARY "libc++ " COWOSIM_PLUGIN_TEXT(_LIBCPP_ABI_VERSION)
#elif defined(_GLIBCXX_DEBUG)
#define COWOSIM_PLUGIN_STANDARD_LIBRARY "libstdc++ with _GLIBCXX_DEBUG"
#elif defined(_GLIBCXX_USE_CXX11_ABI) && _GLIBCXX_USE_CXX11_ABI
#define COWOSIM_PLUGIN_STANDARD_LIBRARY "libstdc++ with the C++11 ABI"
#else
#define COWOSIM_PLUGIN_STANDARD_LIBRARY "libstdc++ with the old ABI"
#endif

/// What both sides must agree on. The text is found in the library's file before any of its code runs, so its head and
/// the order of what follows stay as they are in every interface.
#define COWOSIM_PLUGIN_ABI_HEAD "cowosim plug-in: "
#define COWOSIM_PLUGIN_ABI                                                                                         \
  COWOSIM_PLUGIN_ABI_HEAD                                                                                          \
  "interface " COWOSIM_PLUGIN_TEXT(COWOSIM_PLUGIN_INTERFACE) "; SystemC " SC_VERSION "; C++ " COWOSIM_PLUGIN_TEXT( \
      SC_CPLUSPLUS) "; " COWOSIM_PLUGIN_STANDARD_LIBRARY

/// The entry point's name, the same in every interface.
inline constexpr const char* kEntryPoint = "cowosim_plugin_1";
using EntryPoint = const Library* (*)();

}  // namespace cowosim::plugin

/// Once in a plug-in, outside of any namespace: pointers to its types.
#define COWOSIM_PLUGIN(...)                                                                                      \
  extern "C" __attribute__((visibility("default"), used)) const cowosim::plugin::Library* cowosim_plugin_1() {   \
    static const cowosim::plugin::Type* const types[] = {__VA_ARGS__};                                           \
    static const cowosim::plugin::Library library = {COWOSIM_PLUGIN_ABI, types, sizeof types / sizeof types[0]}; \
    return &library;                                                                                             \
  }
