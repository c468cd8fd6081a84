#include "platforms/package.h"

#include <fmt/core.h>

#include <algorithm>
#include <fstream>
#include <sstream>

#include "core/nearest.h"
#include "core/random.h"
#include "core/units.h"
#include "engine/coupling.h"
#include "kernel/driver.h"
#include "kernel/time_resolution.h"
#include "platforms/address_map.h"
#include "platforms/command_tap.h"
#include "platforms/config/memory_image.h"
#include "platforms/config/reader.h"
#include "platforms/config/yaml.h"
#include "platforms/configuration.h"
#include "platforms/die.h"
#include "platforms/facts.h"
#include "platforms/foreign_models.h"
#include "platforms/harvest.h"
#include "platforms/interposer.h"
#include "platforms/plugin_models.h"
#include "platforms/stack.h"
#include "platforms/version_info.h"
#include "telemetry/report.h"
#include "telemetry/run_directory.h"
#include "telemetry/summary.h"
#include "telemetry/traces.h"
#include "telemetry/writers.h"
#include "traffic/crossing.h"
#include "traffic/dispatcher_shell.h"
#include "traffic/source_shell.h"

namespace cowosim {

using platforms::Configuration;
using platforms::WorkloadChoice;

namespace {

traffic::SourceParams source_params(const WorkloadChoice& choice, std::int64_t granule, bool on_network) {
  traffic::SourceParams params;
  params.granule = granule;
  if (const auto* trace = std::get_if<traffic::TraceParams>(&choice.params)) {
    params.max_outstanding = trace->max_outstanding;
    // On a network nothing holds a source back: what is under way must still fit into its pool.
    if (on_network && params.max_outstanding == 0) params.max_outstanding = 65536;
    params.think_time = trace->think_time;
  }
  return params;
}

/// A fabric alone has no memory; what asks for a map all the same gets that of one pseudo-channel.
hbm::HbmParams memory_of(const platforms::PlatformParams& platform) {
  if (!platform.fabric.present()) return platform.hbm;
  hbm::HbmParams one;
  one.stacks = one.channels = one.pseudo_channels = 1;
  return one;
}

engine::Options engine_options(const RunOptions& options, const Configuration& configuration) {
  engine::Options result;
  result.threads = options.threads;
  result.window = options.window;
  result.until = configuration.run.until == 0 ? kNever : configuration.run.until;
  result.stall_limit = options.stall_limit;
  result.epoch = configuration.run.epoch;
  result.interval = options.stats_interval == 0 ? kNever : options.stats_interval;
  result.wall_limit_seconds = options.wall_limit_seconds;
  return result;
}

}  // namespace

/// Everything inside a package, in the order in which it must be built.
struct Package::Parts {
  Parts(Package& package, const RunOptions& run_options)
      : options(run_options),
        configuration(platforms::configure(run_options)),
        map(hbm::make_memory_map(memory_of(configuration.platform))),
        addresses(configuration.platform.fabric.present() ? AddressMap()
                                                          : platforms::make_address_map(configuration.platform, map)),
        memory(make_memory()),
        foreign(addresses, map, memory.get()),
        placement(map.capacity()),
        engine(engine_options(run_options, configuration)),
        root(package.name()) {
    load_memory();
    build_workloads();
    if (configuration.platform.fabric.present()) {
      build_interposer();
    } else if (configuration.platform.dies.empty()) {
      build_direct();
    } else {
      build_dies();
    }
    for (const auto& [shell, name] : shells) shell->component = &engine.add(name, shell->heart());
    driver = std::make_unique<kernel::Driver>("driver", engine, !foreign.empty());
    driver->on_end = [this] { foreign.end(); };
    try {  // a connection without latency, a window above W, a crossing below it
      foreign.open_gates(engine, *driver, direct_component == nullptr ? nullptr : &coupling, direct_component);
      for (const auto& [initiator, target] : bindings) kernel::connect(*initiator, *target, engine, root);
      engine.elaborate();
    } catch (const std::invalid_argument& error) {
      throw ConfigError(Diagnostic{"", 0, 0, "", error.what()});
    }
    if (host_program != nullptr) {
      const auto number = static_cast<std::size_t>(std::find(program_table.begin(), program_table.end(), host_program) -
                                                   program_table.begin());
      host_queue = std::make_unique<platforms::HostQueue>(configuration.platform.registers, addresses, memory.get(),
                                                          *host_program, dispatcher->heart(), number);
    }
    if (configuration.platform.has_foreign_initiators()) {
      registers = make_registers(host_queue.get());
      foreign.set_registers(registers.get(), host_queue.get());
    }
    if (!foreign.empty()) foreign.set_unloaded_latency(unloaded_read());
    if (options.trace_transactions.on) {
      for (engine::Heart* heart : engine.hearts())
        for (engine::Journal* journal : {&heart->journal(), &heart->services()})
          journal->trace(options.trace_transactions.from, options.trace_transactions.to);
    }
    if (options.trace_commands.on || options.trace_accesses || options.check) {
      for (hbm::Channel* channel : channels) {
        if (channel == nullptr) continue;
        taps.push_back(std::make_unique<platforms::CommandTap>(options, configuration.platform.hbm, channel->name()));
        channel->trace_commands(taps.back().get());
      }
    }
    if (options.stats_interval != 0) {
      engine.on_interval = [this](Time t) {
        series.begin_sample(t);
        for (engine::Heart* heart : engine.hearts()) {
          series.set_path(root + "." + heart->name());
          heart->statistics(series);
        }
      };
    }
  }

  std::unique_ptr<SparseMemory> make_memory() {
    if (configuration.platform.memory.data == "none") return nullptr;
    const auto& models = configuration.platform.foreign;
    const bool filled = std::any_of(models.begin(), models.end(), [](const bridge::ForeignParams& model) {
      return !model.initiates() && !model.in_place_of.empty();
    });
    if (!filled) return std::make_unique<SparseMemory>(map.capacity());
    return std::make_unique<SparseMemory>(map.capacity(), [this](auto... page) { foreign.fill(page...); });
  }

  void load_memory() {
    if (memory == nullptr) return;
    Diagnostics diagnostics;
    platforms::config::load_memory_images(*configuration.resolved.at("memory.load"), "memory.load", *memory,
                                          diagnostics);
    diagnostics.throw_if_any();
  }

  /// Streams get their ids in the order of the workloads; those that run on cores become programs, the rest sources.
  void build_workloads() {
    const bool direct = !configuration.platform.has_cores();
    const int cores = direct ? 0 : configuration.platform.dies.front().cores;
    const auto peak = static_cast<std::int64_t>(hbm::timing_of(configuration.platform.hbm).peak_bytes_per_second() *
                                                map.present_pseudo_channels());
    for (std::size_t i = 0; i < configuration.workloads.size(); ++i) {
      const WorkloadChoice& choice = configuration.workloads[i];
      if (const auto given = given_requests(i)) {
        const auto stream = static_cast<StreamId>(streams.size());
        add_stream(choice.name, "workloads." + choice.name);
        requests.push_back({i, choice.name, false, std::make_unique<traffic::RequestList>(given, stream)});
        continue;
      }
      const std::uint64_t seed = mix(static_cast<std::uint64_t>(configuration.run.seed), i);
      const std::vector<traffic::WorkloadPart> parts = traffic::parts_of(choice.params, choice.name, peak, cores);
      for (std::size_t p = 0; p < parts.size(); ++p) {
        const traffic::WorkloadPart& part = parts[p];
        traffic::WorkloadContext context;
        context.name = part.name;
        context.stream = static_cast<StreamId>(streams.size());
        add_streams(part, choice);
        context.seed = p == 0 ? seed : mix(seed, p);
        context.placement = &placement;
        if (const auto* synthetic = std::get_if<traffic::SyntheticParams>(&part.params)) {
          packets.push_back({part.name, context.stream, context.seed, *synthetic});
        } else if (const auto* collective = std::get_if<traffic::CollectiveTrafficParams>(&part.params)) {
          packets.push_back({part.name, context.stream, context.seed, *collective});
        } else if (!direct && traffic::find_workload(choice.kind)->on_cores) {
          programs.push_back(std::make_unique<work::Program>(
              traffic::build_program(choice.kind, part.params, &choice.model, context)));
          work::Program& program = *programs.back();
          program.background = choice.background || part.background;
          program.first_core = part.first_core;
          program.cores = part.cores;
          program_table.push_back(&program);
        } else {
          requests.push_back(
              {i, part.name, part.background, traffic::build_requests(choice.kind, part.params, context)});
        }
      }
    }
    placement.require_fit(configuration.workload_name());
    for (const bridge::ForeignParams& model : configuration.platform.foreign)
      if (model.initiates()) add_stream(model.name, "foreign." + model.name);
    if (configuration.platform.has_cores() && configuration.platform.has_foreign_initiators()) {
      programs.push_back(std::make_unique<work::Program>());
      host_program = programs.back().get();
      host_program->name = host_program->workload = "host_kernels";
      host_program->open = true;
      host_program->stream = static_cast<StreamId>(streams.size());
      add_stream(host_program->name, "foreign");
      program_table.push_back(host_program);
    }
  }

  /// Streams by number, and how urgent each is to the memory controllers.
  hbm::ChannelContext channel_context(int channel = 0) const {
    const std::vector<std::string>& urgent = configuration.platform.hbm.controller.priority_streams;
    for (const std::string& name : urgent) {
      if (options.without_traffic) break;  // there are no streams to name
      if (std::find(streams.begin(), streams.end(), name) == streams.end()) {
        throw ConfigError(Diagnostic{"", 0, 0, "hbm.controller.priority_streams",
                                     fmt::format("this run has no stream '{}'{}; it has {}", name,
                                                 did_you_mean(name, streams), enumerate(streams))});
      }
    }
    hbm::ChannelContext context;
    context.index = channel;
    context.streams = static_cast<int>(std::max<std::size_t>(streams.size(), 1));
    for (const std::string& stream : streams)
      context.urgency.push_back(static_cast<int>(std::find(urgent.begin(), urgent.end(), stream) - urgent.begin()));
    return context;
  }

  void add_streams(const traffic::WorkloadPart& part, const WorkloadChoice& choice) {
    for (const std::string& name : traffic::stream_names(part.params, part.name, map.capacity()))
      add_stream(name, "workloads." + choice.name);
  }
  void add_stream(const std::string& name, const std::string& path) {
    const auto bad = [&](std::string message) { throw ConfigError(Diagnostic{"", 0, 0, path, std::move(message)}); };
    if (streams.size() == kMaxStreams)
      bad(fmt::format("more than {} streams in this run, those of traces and foreign initiators included",
                      kMaxStreams));
    if (std::find(streams.begin(), streams.end(), name) != streams.end())
      bad(fmt::format("two streams of this run are called '{}'; give one another name", name));
    streams.push_back(name);
  }
  StreamId stream_of(const std::string& name) const {
    return static_cast<StreamId>(std::find(streams.begin(), streams.end(), name) - streams.begin());
  }

  /// What a foreign initiator is told, wherever it stands.
  bridge::InitiatorContext initiator_context(const bridge::ForeignParams& model) const {
    bridge::InitiatorContext context;
    context.stream = stream_of(model.name);
    context.granule = configuration.platform.hbm.interleave_granule;
    context.register_latency = configuration.platform.registers.latency;
    if (model.at == "off_package") context.stage = Stage::off_package;
    return context;
  }

  /// The requests that the caller brings along for workload i; nullptr: none.
  std::shared_ptr<const std::vector<traffic::Request>> given_requests(std::size_t i) const {
    return i < options.workloads.size() ? options.workloads[i].requests : nullptr;
  }

  /// Sources straight in the doors of the channels: all in one component, without any latency between them. Members of the
  /// coupling act in the order they are added: what sources offer at an instant is seen at that instant.
  void build_direct() {
    const auto& hbm_params = configuration.platform.hbm;
    std::vector<const bridge::ForeignParams*> initiators;
    for (const bridge::ForeignParams& model : configuration.platform.foreign)
      if (model.initiates()) initiators.push_back(&model);
    const bool crossed = requests.size() + initiators.size() > 1;
    const int door = hbm_params.controller.door_entries;
    std::vector<engine::Heart*> creators;  // sources and foreign initiators
    std::vector<traffic::Source*> leaders;
    for (Requests& from : requests) {
      const auto& choice = configuration.workloads[from.workload];
      coupled_sources.push_back(
          std::make_unique<traffic::Source>(source_params(choice, hbm_params.interleave_granule, false),
                                            std::move(from.stream), crossed ? traffic::Crossing::kEntries : door));
      sources.push_back(coupled_sources.back().get());
      creators.push_back(sources.back());
      if (!from.background) leaders.push_back(sources.back());
      coupling.add(requests.size() == 1 ? "source" : "source_" + from.name, *sources.back());
    }
    for (std::size_t i = 0; i < requests.size(); ++i) {
      if (requests[i].background) sources[i]->end_with(leaders);
    }
    for (const bridge::ForeignParams* model : initiators) {
      bridge::InitiatorContext context = initiator_context(*model);
      context.credits = crossed ? traffic::Crossing::kEntries : door;
      if (!crossed && map.channels() > 1) context.map = &map;
      creators.push_back(&foreign.add_initiator(*model, context, true).heart());
      coupling.add("foreign_" + model->name, *creators.back());
    }
    if (crossed) {
      crossing = std::make_unique<traffic::Crossing>(static_cast<int>(creators.size()), map, door);
      coupling.add("crossing", *crossing);
    }
    std::vector<std::pair<engine::Heart*, int>> doors;  // of each channel: the heart behind it, and its port
    for (int s = 0; s < hbm_params.stacks; ++s) {
      const bridge::ForeignParams* model = configuration.platform.in_place_of("hbm_stack_" + std::to_string(s));
      bridge::ForeignTargetShell* const target =
          model == nullptr ? nullptr : &foreign.add_target(*model, {Stage::external, &map, s}, true);
      if (target != nullptr) coupling.add("foreign_" + model->name, target->heart());
      for (int c = 0; c < hbm_params.channels; ++c) {
        if (target != nullptr) {
          channels.push_back(nullptr);
          doors.emplace_back(&target->heart(), c);
          continue;
        }
        coupled_channels.push_back(std::make_unique<hbm::Channel>(hbm::with_fault_at(hbm_params, s, c), map,
                                                                  channel_context(s * hbm_params.channels + c)));
        channels.push_back(coupled_channels.back().get());
        doors.emplace_back(channels.back(), 0);
        coupling.add(fmt::format("hbm_stack_{}.channel_{}", s, c), *channels.back());
      }
    }
    if (crossing) {
      for (std::size_t i = 0; i < creators.size(); ++i) {
        const int port = i < sources.size() ? 0 : initiators[i - sources.size()]->sockets;
        coupling.wire(*creators[i], port, *crossing, static_cast<int>(i));
      }
      for (std::size_t i = 0; i < doors.size(); ++i)
        coupling.wire(*crossing, crossing->port_of_channel(i), *doors[i].first, doors[i].second);
    } else if (!creators.empty()) {
      if (!sources.empty() && channels.size() > 1) coupled_sources.front()->set_doors(map);
      const int first = sources.empty() ? initiators.front()->sockets : 0;
      for (std::size_t i = 0; i < doors.size(); ++i)
        coupling.wire(*creators.front(), first + static_cast<int>(i), *doors[i].first, doors[i].second);
    }
    direct_component = &engine.add("direct", coupling);
  }

  /// No memory, no dies: a network and what its terminals send each other.
  void build_interposer() {
    interposer = std::make_unique<platforms::Interposer>(configuration.platform.fabric, streams, packets);
    interposer->couple(coupling);
    engine.add("direct", coupling);
  }

  void build_dies() {
    // The order of construction must not show in any result; a test builds it the other way round.
    if (options.shuffle_construction) build_stacks();
    if (configuration.platform.has_cores()) {
      build_die();
    } else {
      build_in_place_of_die();
    }
    if (!options.shuffle_construction) build_stacks();
    bind_stacks();
    if (options.shuffle_construction) {
      shuffle(shells);
      shuffle(bindings);
    }
  }

  void build_stacks() {
    const platforms::PlatformParams& platform = configuration.platform;
    for (int s = 0; s < platform.hbm.stacks; ++s) {
      const std::string name = "hbm_stack_" + std::to_string(s);
      const bridge::ForeignParams* model = platform.in_place_of(name);
      stacks.push_back(std::make_unique<platforms::Stack>(name.c_str(), platform.hbm, platform.phy, map, s,
                                                          channel_context(), model != nullptr));
      if (model != nullptr) foreign.add_target(*model, {Stage::external, &map, s}, false);
    }
  }

  void build_die() {
    const platforms::PlatformParams& platform = configuration.platform;
    const platforms::DieParams& die_params = platform.dies.front();
    std::vector<std::string> guests;  // at the die's network: sources, then foreign models
    for (const Requests& from : requests) guests.push_back("source_" + from.name);
    std::vector<const bridge::ForeignParams*> models;
    for (const bridge::ForeignParams& model : platform.foreign) {
      if (!model.in_place_of.empty()) continue;
      guests.push_back("foreign_" + model.name);
      models.push_back(&model);
    }
    try {
      die = std::make_unique<platforms::Die>(die_params.name.c_str(), die_params, map, program_table,
                                             platform.hbm.controller.door_entries, guests);
    } catch (const std::invalid_argument& error) {  // beyond what a network holds
      throw ConfigError(Diagnostic{"", 0, 0, "dies." + die_params.name + ".network", error.what()});
    }
    if (!programs.empty()) {
      dispatcher = std::make_unique<traffic::DispatcherShell>("dispatcher", platform.dispatcher, die_params.cores,
                                                              program_table);
      add(*dispatcher);
    }
    const auto terminal_of = [&](int guest) {
      return die->network.terminals[static_cast<std::size_t>(die->guest_terminal(guest))].get();
    };
    for (std::size_t g = 0; g < requests.size(); ++g) {
      const WorkloadChoice& choice = configuration.workloads[requests[g].workload];
      guest_shells.push_back(std::make_unique<traffic::SourceShell>(
          guests[g].c_str(), source_params(choice, platform.hbm.interleave_granule, true),
          std::move(requests[g].stream), -1, die_params.core.issue_latency));
      const int guest = static_cast<int>(g);
      guest_shells.back()->heart().set_router(die->router(), static_cast<std::uint16_t>(die->guest_terminal(guest)));
      sources.push_back(&guest_shells.back()->heart());
      add(*guest_shells.back());
      bindings.emplace_back(&guest_shells.back()->memory, terminal_of(guest));
    }
    for (std::size_t m = 0; m < models.size(); ++m) {
      const bridge::ForeignParams& model = *models[m];
      const int guest = static_cast<int>(requests.size() + m);
      kernel::InitiatorPort* port = nullptr;
      if (model.initiates()) {
        bridge::InitiatorContext context = initiator_context(model);
        context.router = &die->router();
        context.terminal = static_cast<std::uint16_t>(die->guest_terminal(guest));
        bridge::ForeignInitiatorShell& shell = foreign.add_initiator(model, context, false);
        port = shell.memory.front().get();
        add(shell);
      } else {
        const Stage stage = model.at == "off_package" ? Stage::off_package : Stage::external;
        bridge::ForeignTargetShell& shell = foreign.add_target(model, {stage, nullptr, 0}, false);
        port = shell.network.front().get();
        die->add_region(static_cast<std::uint64_t>(model.base), static_cast<std::uint64_t>(model.size), guest);
        add(shell);
      }
      bindings.emplace_back(port, terminal_of(guest));
    }
    add(die->network);
    for (std::size_t i = 0; i < die->core.size(); ++i) {
      add(die->core[i]);
      bindings.emplace_back(&die->core[i].network, die->network.terminals[i].get());
      if (dispatcher) bindings.emplace_back(dispatcher->cores[i].get(), &die->core[i].dispatcher);
    }
    for (std::size_t i = 0; i < die->slice.size(); ++i) {
      add(die->slice[i]);
      bindings.emplace_back(&die->slice[i].network, die->network.terminals[die->core.size() + i].get());
      above_phys.push_back(&die->slice[i].memory);
    }
  }

  /// A foreign initiator right in front of the PHYs.
  void build_in_place_of_die() {
    const platforms::PlatformParams& platform = configuration.platform;
    const bridge::ForeignParams& model = *platform.in_place_of(platform.dies.front().name);
    bridge::InitiatorContext context = initiator_context(model);
    context.map = &map;
    context.credits = platform.hbm.controller.door_entries;
    bridge::ForeignInitiatorShell& shell = foreign.add_initiator(model, context, false);
    add(shell);
    for (const auto& port : shell.memory) above_phys.push_back(port.get());
  }

  /// Each channel: what asks it, its PHY, and the memory below.
  void bind_stacks() {
    const std::size_t per_stack = static_cast<std::size_t>(configuration.platform.hbm.channels);
    for (std::size_t s = 0; s < stacks.size(); ++s) {
      platforms::Stack& stack = *stacks[s];
      bridge::ForeignTargetShell* const target = foreign.in_place_of(static_cast<int>(s));
      add(stack.phy);
      if (target != nullptr) add(*target);
      for (std::size_t c = 0; c < per_stack; ++c) {
        bindings.emplace_back(above_phys[s * per_stack + c], stack.phy.upstream[c].get());
        if (target != nullptr) {
          channels.push_back(nullptr);
          bindings.emplace_back(stack.phy.downstream[c].get(), target->door[c].get());
          continue;
        }
        add(stack.channel[c]);
        channels.push_back(&stack.channel[c].heart());
        bindings.emplace_back(stack.phy.downstream[c].get(), &stack.channel[c].door);
      }
    }
  }

  Facts facts() const {
    const hbm::Channel channel(configuration.platform.hbm, map);  // all are alike, and none need be there
    return platforms::facts(configuration.platform, map, engine, channel, die.get());
  }
  Time unloaded_read() const {
    for (const Fact& fact : facts())
      if (fact.key == (die ? "near_memory_ns" : "hbm_closed_ns"))
        return static_cast<Time>(fact.value * static_cast<double>(kNanosecond));
    return 0;
  }

  /// `of_host` null: nobody launches kernels.
  std::unique_ptr<platforms::RegisterBlock> make_registers(platforms::HostQueue* of_host) const {
    auto block = std::make_unique<platforms::RegisterBlock>(engine.hearts(), of_host);
    const auto size = static_cast<std::uint64_t>(configuration.platform.registers.size);
    if (block->bytes() > size) {
      const Origin at = platforms::config::origin_of(configuration.resolved, "registers.size");
      throw ConfigError(
          Diagnostic{at.file, at.line, at.column, "registers.size",
                     fmt::format("{} B hold {} counters, must be at least {}", size, block->counters(),
                                 format_quantity(static_cast<std::int64_t>(block->bytes()), Unit::bytes))});
    }
    return block;
  }

  /// What the hearts have traced.
  std::vector<telemetry::ComponentEvents> events() const {
    std::vector<telemetry::ComponentEvents> all;
    for (const engine::Heart* heart : engine.hearts()) {
      telemetry::ComponentEvents& component = all.emplace_back();
      component.component = heart->name();
      for (const engine::Journal* journal : {&heart->journal(), &heart->services()}) {
        for (const auto& e : journal->events())
          component.events.push_back({e.time, e.identity, e.number, e.address, e.bytes, e.op, e.stream});
      }
    }
    return all;
  }

  void add(kernel::Shell& shell) { shells.emplace_back(&shell, std::string(shell.name()).substr(root.size() + 1)); }

  template <class T>
  static void shuffle(std::vector<T>& items) {
    SplitMix64 random(2026);
    for (std::size_t i = items.size(); i > 1; --i) {
      const std::uint64_t draw = random.next();
      std::swap(items[i - 1], items[bounded(draw, i)]);
    }
  }

  RunOptions options;
  Configuration configuration;
  MemoryMap map;
  AddressMap addresses;
  std::unique_ptr<SparseMemory> memory;  // what it holds, if anything
  platforms::ForeignModels foreign;
  work::Placement placement;
  std::vector<std::string> streams;  // by StreamId
  std::vector<std::unique_ptr<work::Program>> programs;
  std::vector<const work::Program*> program_table;
  work::Program* host_program = nullptr;  // what a foreign initiator launches, if it can
  /// What a source has to ask for.
  struct Requests {
    std::size_t workload;  // index
    std::string name;
    bool background;
    std::unique_ptr<traffic::RequestStream> stream;
  };
  std::vector<Requests> requests;
  std::vector<platforms::Interposer::Source> packets;

  engine::Engine engine;
  std::string root;

  // Without dies
  std::vector<std::unique_ptr<hbm::Channel>> coupled_channels;
  std::vector<std::unique_ptr<traffic::Source>> coupled_sources;
  std::unique_ptr<traffic::Crossing> crossing;
  std::unique_ptr<platforms::Interposer> interposer;
  engine::Coupling coupling;
  engine::Component* direct_component = nullptr;  // the coupling's

  std::unique_ptr<platforms::Die> die;
  std::vector<std::unique_ptr<platforms::Stack>> stacks;
  std::unique_ptr<traffic::DispatcherShell> dispatcher;
  std::vector<std::unique_ptr<traffic::SourceShell>> guest_shells;
  std::vector<std::pair<kernel::Shell*, std::string>> shells;
  std::vector<kernel::InitiatorPort*> above_phys;  // by stack x channels + channel: who asks it
  std::vector<std::pair<kernel::InitiatorPort*, kernel::TargetPort*>> bindings;
  std::unique_ptr<kernel::Driver> driver;

  std::vector<traffic::Source*> sources;
  std::vector<hbm::Channel*> channels;  // by stack x channels + channel; nullptr: a foreign model's
  std::unique_ptr<platforms::HostQueue> host_queue;
  std::unique_ptr<platforms::RegisterBlock> registers;
  std::vector<std::unique_ptr<platforms::CommandTap>> taps;  // of the channels, while somebody wants their commands
  std::ostringstream series_text;
  telemetry::IntervalSeries series{series_text};
  std::vector<std::unique_ptr<platforms::PluginModel>> plugins;
};

Package::Package(const sc_core::sc_module_name& name, const RunOptions& options) : sc_module(name) {
  kernel::require_femtoseconds();
  parts_ = std::make_unique<Parts>(*this, options);
  std::vector<platforms::ForeignEntry>& entries = parts_->configuration.platform.foreign;
  platforms::ForeignSocketsOf<Package> sockets(*this);
  platforms::ForeignServices services;
  services.seed = static_cast<std::uint64_t>(parts_->configuration.run.seed);
  services.finish = [this, &entries](int i) { foreign_initiator(entries[static_cast<std::size_t>(i)].name).finish(); };
  services.fail = [this, &entries](int i, const std::string& what) {
    parts_->foreign.broken("foreign model " + entries[static_cast<std::size_t>(i)].name + ": " + what);
  };
  parts_->plugins = platforms::create_plugins(entries, sockets, services, parts_->configuration.resolved);
}

std::vector<std::string> Package::unbound() const {
  std::vector<std::string> names;
  for (const platforms::ForeignEntry& entry : parts_->configuration.platform.foreign)
    if (entry.model == nullptr) names.push_back(entry.name);
  return names;
}

Package::~Package() = default;

const sc_core::sc_event& Package::ended() const { return parts_->driver->ended(); }
engine::Status Package::status() const { return parts_->engine.status(); }
void Package::interrupt() { parts_->engine.interrupt(); }
void Package::stop() { parts_->driver->stop(parts_->configuration.workloads.empty()); }
void Package::check_limits() { parts_->driver->check_limits(); }
void Package::end_of_simulation() { stop(); }
void Package::set_loosely_timed(bool on) { parts_->foreign.set_loosely_timed(on); }
bridge::ForeignInitiatorShell& Package::foreign_initiator(const std::string& name) {
  return parts_->foreign.initiator(name);
}
bridge::ForeignTargetShell& Package::foreign_target(const std::string& name) { return parts_->foreign.target(name); }
std::uint64_t Package::completion_hash() const { return parts_->engine.completion_hash(); }
const std::vector<engine::Wait>& Package::waits() const { return parts_->engine.waits(); }
const std::string& Package::reason() const { return parts_->engine.reason(); }
std::vector<std::string> Package::violations() const {
  std::vector<std::string> all = parts_->engine.violations();
  if (status() != engine::Status::running)
    for (std::string& broken : platforms::protocol_violations(parts_->taps, parts_->engine.now()))
      all.push_back(std::move(broken));
  if (status() != engine::Status::completed) return all;
  for (std::string& broken : telemetry::broken_invariants(results())) all.push_back(std::move(broken));
  return all;
}
void Package::on_poll(std::function<void()> callback) { parts_->engine.on_poll = std::move(callback); }
const platforms::config::Value& Package::resolved() const { return parts_->configuration.resolved; }
const MemoryMap& Package::memory_map() const { return parts_->map; }
const AddressMap& Package::address_map() const { return parts_->addresses; }
std::string Package::describe(const AddressRegion& region) const {
  return platforms::describe(region, parts_->configuration.platform, parts_->map);
}
std::vector<platforms::RegisterInfo> Package::registers() const {
  return parts_->make_registers(parts_->host_queue.get())->list();
}
bool Package::has_memory() const { return !parts_->interposer; }
const SparseMemory* Package::memory() const { return parts_->memory.get(); }
SparseMemory* Package::memory() { return parts_->memory.get(); }

Package::Facts Package::facts() const {
  if (parts_->interposer)
    return platforms::facts_of_fabric(parts_->configuration.platform, parts_->interposer->network());
  return parts_->facts();
}

telemetry::TransactionTable Package::transactions() const {
  std::stringstream text;
  telemetry::write_transactions(text, parts_->events(), parts_->streams);
  return telemetry::read_transactions(text, name());
}

std::vector<telemetry::ChannelCommands> Package::commands() const {
  return platforms::command_events(parts_->taps, parts_->configuration.platform.hbm.channels);
}

std::vector<telemetry::ChannelAccesses> Package::accesses() const {
  return platforms::access_events(parts_->taps, parts_->configuration.platform.hbm.channels);
}

void Package::rethrow() const {
  if (parts_->driver->error()) std::rethrow_exception(parts_->driver->error());
}

Package::Progress Package::progress() const {
  const Parts& parts = *parts_;
  Progress progress{parts.engine.now(), parts_->engine.pools().created(), -1.0};
  if (parts.configuration.run.until > 0) {
    progress.fraction = static_cast<double>(progress.now) / static_cast<double>(parts.configuration.run.until);
  } else if (parts.dispatcher) {
    std::uint64_t done = 0, all = 0;
    for (std::size_t p = 0; p < parts.programs.size(); ++p) {
      if (parts.programs[p]->background) continue;
      done += parts_->dispatcher->heart().tiles_done(p);
      for (const auto& op : parts.programs[p]->operators) all += op->tiles();
    }
    progress.fraction = static_cast<double>(done) / static_cast<double>(std::max<std::uint64_t>(all, 1));
  }
  return progress;
}

std::string Package::default_directory() const {
  std::string platform = parts_->configuration.platform_name;
  std::replace(platform.begin(), platform.end(), '/', '_');
  return fmt::format("{}-{}-{}", platform, parts_->configuration.workload_name(), parts_->configuration.hash8());
}

telemetry::Results Package::results() const {
  Parts& parts = *parts_;
  platforms::Harvest harvest{parts.configuration,
                             parts.engine,
                             parts.placement,
                             parts.map,
                             parts.streams,
                             parts.programs,
                             parts.sources,
                             parts.channels,
                             parts.die.get(),
                             parts.interposer.get(),
                             parts.foreign,
                             parts.crossing.get(),
                             {},
                             parts.dispatcher ? &parts.dispatcher->heart() : nullptr};
  for (const auto& stack : parts.stacks) harvest.links.push_back(&stack->phy.heart());
  telemetry::Results results = harvest.results();
  results.run.version = kVersion;
  results.run.git_hash = kGitHash;
  results.run.systemc_version = sc_core::sc_version_string;
  results.run.threads = parts.options.threads;
  if (parts.options.check) results.run.checked_commands = platforms::checked_commands(parts.taps);
  results.run.window = parts.options.window == 0 ? parts.engine.lookahead() : parts.options.window;
  return results;
}

void Package::require_writable(const std::string& directory, bool force) { telemetry::RunDirectory(directory, force); }

std::string Package::write(const std::string& directory, const telemetry::Results& results, bool force, bool report,
                           const std::vector<File>& extra) const {
  Parts& parts = *parts_;
  telemetry::RunDirectory out(directory, force);
  out.write("run.json", telemetry::run_json(results.run));
  out.write("results.json", telemetry::results_json(results));
  out.write("config.yaml", platforms::config::to_yaml(resolved()));
  out.write("summary.txt", telemetry::summary(results));
  if (report) out.write("report.html", telemetry::report_html(results));

  telemetry::StatTable stats;
  telemetry::HashTable hashes;
  for (engine::Heart* heart : parts.engine.hearts()) {
    stats.set_path(parts.root + "." + heart->name());
    heart->statistics(stats);
    const auto add = [&](const engine::Journal& journal, telemetry::HashKind kind) {
      for (std::size_t epoch = 0; epoch < journal.hashes().size(); ++epoch) {
        const Time begin = static_cast<Time>(epoch) * parts.configuration.run.epoch;
        hashes.push_back({heart->name(), kind, epoch, begin, begin + parts.configuration.run.epoch,
                          journal.counts()[epoch], journal.hashes()[epoch]});
      }
    };
    add(heart->journal(), heart->creates_transactions() ? telemetry::HashKind::retire : telemetry::HashKind::serve);
    if (heart->services().count() > 0) add(heart->services(), telemetry::HashKind::serve);
  }
  if (results.hbm && results.hbm->energy) {
    for (const auto& [stack, account] : results.hbm->energy->owners) {
      stats.set_path(parts.root + "." + stack);
      account.statistics(stats);
    }
  }
  out.write("stats.csv", stats.csv());
  out.write("hashes.csv", telemetry::hashes_csv(hashes));
  if (parts.options.stats_interval != 0) out.write("series.csv", parts.series_text.str());
  if (parts.options.trace_transactions.on) {
    std::ofstream file(out.path("transactions.csv"));
    telemetry::write_transactions(file, parts.events(), parts.streams);
  }
  if (parts.options.trace_commands.on) {
    std::ofstream file(out.path("commands.csv"));
    telemetry::write_commands(file, commands());
  }
  for (const File& file : extra) out.write(file.name, file.content);
  return out.commit().string();
}

}  // namespace cowosim
