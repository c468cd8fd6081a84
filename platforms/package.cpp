#include "platforms/package.h"

#include <fmt/core.h>

#include <algorithm>
#include <fstream>
#include <sstream>

#include "core/nearest.h"
#include "core/random.h"
#include "engine/coupling.h"
#include "kernel/driver.h"
#include "kernel/time_resolution.h"
#include "platforms/command_tap.h"
#include "platforms/config/yaml.h"
#include "platforms/configuration.h"
#include "platforms/die.h"
#include "platforms/facts.h"
#include "platforms/harvest.h"
#include "platforms/interposer.h"
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
        placement(map.capacity()),
        engine(engine_options(run_options, configuration)),
        root(package.name()) {
    build_workloads();
    if (configuration.platform.fabric.present()) {
      build_interposer();
    } else if (configuration.platform.dies.empty()) {
      build_direct();
    } else {
      build_dies();
    }
    for (const auto& [shell, name] : shells) shell->component = &engine.add(name, shell->heart());
    try {  // a connection without latency, a window above W
      for (const auto& [initiator, target] : bindings) kernel::connect(*initiator, *target, engine, root);
      engine.elaborate();
    } catch (const std::invalid_argument& error) {
      throw ConfigError(Diagnostic{"", 0, 0, "", error.what()});
    }
    if (options.trace_transactions.on) {
      for (engine::Heart* heart : engine.hearts())
        for (engine::Journal* journal : {&heart->journal(), &heart->services()})
          journal->trace(options.trace_transactions.from, options.trace_transactions.to);
    }
    if (options.trace_commands.on || options.trace_accesses || options.check) {
      for (hbm::Channel* channel : channels) {
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
    driver = std::make_unique<kernel::Driver>("driver", engine);
  }

  /// Streams get their ids in the order of the workloads; those that run on cores become programs, the rest sources.
  void build_workloads() {
    const bool direct = configuration.platform.dies.empty();
    const int cores = direct ? 0 : configuration.platform.dies.front().cores;
    const auto peak = static_cast<std::int64_t>(hbm::timing_of(configuration.platform.hbm).peak_bytes_per_second() *
                                                map.present_pseudo_channels());
    for (std::size_t i = 0; i < configuration.workloads.size(); ++i) {
      const WorkloadChoice& choice = configuration.workloads[i];
      if (const auto given = given_requests(i)) {
        const auto stream = static_cast<StreamId>(streams.size());
        add_stream(choice.name, choice);
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
      add_stream(name, choice);
  }

  void add_stream(const std::string& name, const WorkloadChoice& choice) {
    const auto bad = [&](std::string message) {
      throw ConfigError(Diagnostic{"", 0, 0, "workloads." + choice.name, std::move(message)});
    };
    if (streams.size() == kMaxStreams)
      bad(fmt::format("more than {} streams in this run, those of traces included", kMaxStreams));
    if (std::find(streams.begin(), streams.end(), name) != streams.end())
      bad(fmt::format("two streams of this run are called '{}'; give a workload another name", name));
    streams.push_back(name);
  }

  /// The requests that the caller brings along for workload i; nullptr: none.
  std::shared_ptr<const std::vector<traffic::Request>> given_requests(std::size_t i) const {
    return i < options.workloads.size() ? options.workloads[i].requests : nullptr;
  }

  /// Sources straight in the doors of the channels: all in one component, without any latency between them. Members of the
  /// coupling act in the order they are added: what sources offer at an instant is seen at that instant.
  void build_direct() {
    const auto& hbm_params = configuration.platform.hbm;
    const bool crossed = requests.size() > 1;
    const int door = hbm_params.controller.door_entries;
    std::vector<traffic::Source*> leaders;
    for (Requests& from : requests) {
      const auto& choice = configuration.workloads[from.workload];
      coupled_sources.push_back(
          std::make_unique<traffic::Source>(source_params(choice, hbm_params.interleave_granule, false),
                                            std::move(from.stream), crossed ? traffic::Crossing::kEntries : door));
      sources.push_back(coupled_sources.back().get());
      if (!from.background) leaders.push_back(sources.back());
      coupling.add(requests.size() == 1 ? "source" : "source_" + from.name, *sources.back());
    }
    for (std::size_t i = 0; i < requests.size(); ++i) {
      if (requests[i].background) sources[i]->end_with(leaders);
    }
    if (crossed) {
      crossing = std::make_unique<traffic::Crossing>(static_cast<int>(sources.size()), map, door);
      coupling.add("crossing", *crossing);
    }
    for (int s = 0; s < hbm_params.stacks; ++s) {
      for (int c = 0; c < hbm_params.channels; ++c) {
        coupled_channels.push_back(std::make_unique<hbm::Channel>(hbm::with_fault_at(hbm_params, s, c), map,
                                                                  channel_context(s * hbm_params.channels + c)));
        channels.push_back(coupled_channels.back().get());
        coupling.add(fmt::format("hbm_stack_{}.channel_{}", s, c), *channels.back());
      }
    }
    if (crossing) {
      for (std::size_t i = 0; i < sources.size(); ++i) coupling.wire(*sources[i], 0, *crossing, static_cast<int>(i));
      for (std::size_t i = 0; i < channels.size(); ++i)
        coupling.wire(*crossing, crossing->port_of_channel(i), *channels[i], 0);
    } else if (!sources.empty()) {
      if (channels.size() > 1) coupled_sources.front()->set_doors(map);
      for (std::size_t i = 0; i < channels.size(); ++i)
        coupling.wire(*coupled_sources.front(), static_cast<int>(i), *channels[i], 0);
    }
    engine.add("direct", coupling);
  }

  /// No memory, no dies: a network and what its terminals send each other.
  void build_interposer() {
    interposer = std::make_unique<platforms::Interposer>(configuration.platform.fabric, streams, packets);
    interposer->couple(coupling);
    engine.add("direct", coupling);
  }

  void build_dies() {
    const platforms::PlatformParams& platform = configuration.platform;
    const platforms::DieParams& die_params = platform.dies.front();
    std::vector<std::string> guests;
    for (const Requests& from : requests) guests.push_back("source_" + from.name);

    const auto build_stacks = [&] {
      for (int s = 0; s < platform.hbm.stacks; ++s) {
        stacks.push_back(std::make_unique<platforms::Stack>(("hbm_stack_" + std::to_string(s)).c_str(), platform.hbm,
                                                            platform.phy, map, s, channel_context(),
                                                            platform.hbm.channels));
      }
    };
    // The order of construction must not show in any result; a test builds it the other way round.
    if (options.shuffle_construction) build_stacks();
    try {
      die = std::make_unique<platforms::Die>(die_params.name.c_str(), die_params, map, program_table,
                                             platform.hbm.controller.door_entries, guests);
    } catch (const std::invalid_argument& error) {  // beyond what a network holds
      throw ConfigError(Diagnostic{"", 0, 0, "dies." + die_params.name + ".network", error.what()});
    }
    if (!options.shuffle_construction) build_stacks();
    if (!programs.empty()) {
      dispatcher = std::make_unique<traffic::DispatcherShell>("dispatcher", platform.dispatcher, die_params.cores,
                                                              program_table);
      add(*dispatcher);
    }
    for (std::size_t g = 0; g < requests.size(); ++g) {
      const WorkloadChoice& choice = configuration.workloads[requests[g].workload];
      guest_shells.push_back(std::make_unique<traffic::SourceShell>(
          guests[g].c_str(), source_params(choice, platform.hbm.interleave_granule, true),
          std::move(requests[g].stream), -1, die_params.core.issue_latency));
      const int terminal = die->guest_terminal(static_cast<int>(g));
      guest_shells.back()->heart().set_router(die->router(), static_cast<std::uint16_t>(terminal));
      sources.push_back(&guest_shells.back()->heart());
      add(*guest_shells.back());
      bindings.emplace_back(&guest_shells.back()->memory,
                            die->network.terminals[static_cast<std::size_t>(terminal)].get());
    }
    add(die->network);
    for (std::size_t i = 0; i < die->core.size(); ++i) {
      add(die->core[i]);
      bindings.emplace_back(&die->core[i].network, die->network.terminals[i].get());
      if (dispatcher) bindings.emplace_back(dispatcher->cores[i].get(), &die->core[i].dispatcher);
    }
    for (std::size_t i = 0; i < die->slice.size(); ++i) {
      const std::size_t per_stack = static_cast<std::size_t>(platform.hbm.channels);
      platforms::Stack& stack = *stacks[i / per_stack];
      add(die->slice[i]);
      bindings.emplace_back(&die->slice[i].network, die->network.terminals[die->core.size() + i].get());
      bindings.emplace_back(&die->slice[i].memory, stack.phy.upstream[i % per_stack].get());
    }
    for (const auto& stack : stacks) {
      add(stack->phy);
      for (std::size_t c = 0; c < stack->channel.size(); ++c) {
        add(stack->channel[c]);
        channels.push_back(&stack->channel[c].heart());
        bindings.emplace_back(stack->phy.downstream[c].get(), &stack->channel[c].door);
      }
    }
    if (options.shuffle_construction) {
      shuffle(shells);
      shuffle(bindings);
    }
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
  work::Placement placement;
  std::vector<std::string> streams;  // by StreamId
  std::vector<std::unique_ptr<work::Program>> programs;
  std::vector<const work::Program*> program_table;
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

  std::unique_ptr<platforms::Die> die;
  std::vector<std::unique_ptr<platforms::Stack>> stacks;
  std::unique_ptr<traffic::DispatcherShell> dispatcher;
  std::vector<std::unique_ptr<traffic::SourceShell>> guest_shells;
  std::vector<std::pair<kernel::Shell*, std::string>> shells;
  std::vector<std::pair<kernel::InitiatorPort*, kernel::TargetPort*>> bindings;
  std::unique_ptr<kernel::Driver> driver;

  std::vector<traffic::Source*> sources;
  std::vector<hbm::Channel*> channels;                       // by stack x channels + channel
  std::vector<std::unique_ptr<platforms::CommandTap>> taps;  // of the channels, while somebody wants their commands
  std::ostringstream series_text;
  telemetry::IntervalSeries series{series_text};
};

Package::Package(const sc_core::sc_module_name& name, const RunOptions& options) : sc_module(name) {
  kernel::require_femtoseconds();
  parts_ = std::make_unique<Parts>(*this, options);
}

Package::~Package() = default;

const sc_core::sc_event& Package::ended() const { return parts_->driver->ended(); }
engine::Status Package::status() const { return parts_->engine.status(); }
void Package::interrupt() { parts_->engine.interrupt(); }
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
bool Package::has_memory() const { return !parts_->interposer; }

Package::Facts Package::facts() const {
  if (parts_->interposer)
    return platforms::facts_of_fabric(parts_->configuration.platform, parts_->interposer->network());
  return platforms::facts(parts_->configuration.platform, parts_->map, parts_->engine, *parts_->channels.front(),
                          parts_->die.get());
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
