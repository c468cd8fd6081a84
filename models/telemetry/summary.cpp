#include "telemetry/summary.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <sstream>
#include <vector>

#include "telemetry/derived.h"
#include "telemetry/text.h"

namespace cowosim::telemetry {

namespace {

constexpr std::size_t kWidth = 110;
constexpr std::size_t kLines = 60;
constexpr int kBar = 24;

/// Rows of each table. What is left out is said, or summed up in a row of its own.
struct Limits {
  std::size_t gap = 11;
  std::size_t stages = 9;
  std::size_t streams = 4;
  std::size_t blame = 5;
  std::size_t links = 8;

  /// One row less somewhere; false when no table can give one any more.
  bool shrink() {
    if (links > 4) return --links, true;
    if (blame > 3) return --blame, true;
    if (streams > 3) return --streams, true;
    if (gap > 9) return --gap, true;
    if (stages > 5) return --stages, true;
    if (gap > 6) return --gap, true;
    if (streams > 2) return --streams, true;
    if (links > 0) return --links, true;
    return false;
  }
};

/// Breaks words into lines of at most kWidth, continued lines indented.
std::string wrapped(const std::string& text, std::size_t indent = 2) {
  std::istringstream words(text);
  std::string result;
  std::string line;
  std::string word;
  while (words >> word) {
    if (!line.empty() && line.size() + 1 + word.size() > kWidth) {
      result += line + "\n";
      line = std::string(indent, ' ') + word;
    } else {
      line += (line.empty() ? "" : " ") + word;
    }
  }
  return result + line + "\n";
}

std::string capitalised(std::string text) {
  if (!text.empty() && text[0] >= 'a' && text[0] <= 'z') text[0] = static_cast<char>(text[0] - 'a' + 'A');
  return text;
}

std::int64_t rounded(Time value, Time unit) { return (value >= 0 ? value + unit / 2 : value - unit / 2) / unit; }

/// A duration in whole ns ("24,210,123"), or in ps precision below 10 us ("1,234.567").
struct Precision {
  Time unit;
  explicit Precision(Time largest) : unit(largest < 10 * kMicrosecond ? kPicosecond : kNanosecond) {}
  std::string text(std::int64_t units) const {
    if (unit == kNanosecond) return human_signed(units);
    const std::int64_t magnitude = units < 0 ? -units : units;
    return fmt::format("{}{}.{:03}", units < 0 ? "-" : "", human_signed(magnitude / 1000), magnitude % 1000);
  }
};

std::vector<Time> times_of(const std::vector<GapTerm>& terms) {
  std::vector<Time> times;
  for (const GapTerm& term : terms) times.push_back(term.time);
  return times;
}

std::string floor_words(const FloorGap& gap) {
  if (gap.floor_terms.size() < 2) return gap.floor_terms.empty() ? "" : " (" + label_of(gap.floor_terms[0].term) + ")";
  std::string words;
  for (const GapTerm& term : gap.floor_terms)
    words += fmt::format("{}{} {}", words.empty() ? "" : " + ", label_of(term.term),
                         human_time(static_cast<double>(term.time)));
  return " (" + words + ")";
}

std::string gap_table(const WorkloadResult& workload, std::size_t most) {
  const FloorGap& gap = *workload.gap;
  const std::vector<GapTerm> terms = ordered_terms(gap, most);
  const Precision precision(gap.measured);
  const std::int64_t measured = rounded(gap.measured, precision.unit);
  const std::int64_t floor = rounded(gap.floor, precision.unit);
  const std::vector<std::int64_t> values = rounded_to_sum(times_of(terms), precision.unit, measured - floor);
  const Time whole = std::max<Time>(gap.measured - gap.floor, 1);
  // Tenths of a per cent that add up as well.
  std::vector<Time> scaled;
  for (const GapTerm& term : terms)
    scaled.push_back(static_cast<Time>(static_cast<__int128>(term.time) * 1'000'000 / whole));
  const std::vector<std::int64_t> tenths = rounded_to_sum(scaled, 1000, gap.measured > gap.floor ? 1000 : 0);

  const std::string floor_label = "floor" + floor_words(gap);
  const std::string title = capitalised(measured_label(workload)) + ", from its floor up";
  std::size_t width = std::max(floor_label.size(), title.size() - 2);
  for (const GapTerm& term : terms) width = std::max(width, label_of(term.term).size() + 2);
  const auto row = [&](const std::string& label, const std::string& value, const std::string& rest) {
    std::string line = fmt::format("  {:<{}} {:>13}{}", label, width, value, rest);
    line.erase(line.find_last_not_of(' ') + 1);
    return line + "\n";
  };
  std::string text = fmt::format("{:<{}} {:>13}  % of gap\n", title, width + 2, "ns");
  text += row(floor_label, precision.text(floor), "");
  for (std::size_t i = 0; i < terms.size(); ++i) {
    const double share = static_cast<double>(tenths[i]) / 1000;
    text += row("+ " + label_of(terms[i].term), precision.text(values[i]),
                fmt::format(" {:>9}  {}", human_percent(share), bar(share, kBar)));
  }
  text += row("= measured", precision.text(measured),
              fmt::format("  the gap is {} ns, {} of it", precision.text(measured - floor),
                          human_percent(static_cast<double>(gap.measured - gap.floor) /
                                        static_cast<double>(std::max<Time>(gap.measured, 1)))));
  return text;
}

std::string usage_table(const Results& results) {
  const std::vector<UsageRow> rows = usage_of(results);
  if (rows.empty()) return "";
  std::size_t width = 24;
  for (const UsageRow& row : rows) width = std::max(width, row.name.size());
  std::string text =
      fmt::format("{:<{}} {:>15} {:>15} {:>8}\n", "How much of each peak", width + 2, "achieved", "peak", "%");
  for (const UsageRow& row : rows)
    text += fmt::format("  {:<{}} {:>15} {:>15} {:>8}  {}\n", row.name, width, row.achieved, row.peak,
                        human_percent(row.fraction), bar(row.fraction, kBar));
  return text;
}

std::string parts_line(const std::string& title, const std::vector<Part>& parts) {
  if (parts.empty()) return "";
  std::string line = title + ":";
  for (std::size_t i = 0; i < parts.size(); ++i)
    line += fmt::format("{} {} {}", i == 0 ? "" : ",", parts[i].name, human_percent(parts[i].fraction));
  return wrapped(line);
}

std::string energy_line(const HbmResult& hbm) {
  const EnergyAccount account = hbm.energy->total();
  const Energy total = account.total();
  if (total.value <= 0 || hbm.interval <= 0) return "";
  const double watts = total.value * 1e-12 / (static_cast<double>(hbm.interval) * 1e-15);
  std::string line = "HBM energy: " + human_energy(total.value);
  const std::string per_bit = energy_per_bit(total, hbm.counters.bytes * 8);
  if (!per_bit.empty()) line += ", " + per_bit;
  std::string words;
  for (const Part& part : parts_of(account))
    words += fmt::format("{}{} {}", words.empty() ? "" : ", ", part.name, human_percent(part.fraction));
  return wrapped(fmt::format("{} ({}), {:.2f} W per stack", line, words,
                             watts / static_cast<double>(std::max<std::size_t>(hbm.stacks.size(), 1))));
}

std::string fabric_line(const FabricResult& fabric) {
  std::string line =
      fmt::format("Networks at {} precision: {} packets", name_of(fabric.precision), human_count(fabric.packets));
  if (fabric.flits > 0) line += fmt::format(", {} flits", human_count(fabric.flits));
  if (fabric.hops_mean) line += fmt::format(", {:.2f} hops on average", *fabric.hops_mean);
  if (fabric.latency_cycles) {
    const CycleSummary& c = *fabric.latency_cycles;
    line +=
        fmt::format("; latency mean {:.1f}, p50 {:.1f}, p99 {:.1f}, max {:.1f} cycles", c.mean, c.p50, c.p99, c.max);
  }
  if (fabric.energy_pj) line += "; energy of the links " + human_energy(*fabric.energy_pj);
  std::uint64_t replays = 0;
  std::size_t narrowed = 0;
  for (const LinkResult& link : fabric.links) {
    replays += link.replays;
    narrowed += link.lane_loss ? 1 : 0;
  }
  if (replays > 0) line += fmt::format("; {} replays", human_count(replays));
  if (narrowed > 0) line += fmt::format("; {} link{} lost lanes", narrowed, narrowed == 1 ? "" : "s");
  return wrapped(line + ".");
}

std::string link_table(const FabricResult& fabric, std::size_t most) {
  const std::vector<const LinkResult*> links = busiest(fabric, most);
  if (links.empty()) return "";
  std::size_t width = 24;
  std::vector<std::string> names;
  for (const LinkResult* link : links) {
    names.push_back(fmt::format("{} ({})", link->name, link->kind));
    width = std::max(width, names.back().size());
  }
  std::string text = fmt::format("{:<{}} {:>8} {:>9} {:>9}  {}\n", "Busiest links", width + 2, "used", "waiting",
                                 "replays", "mostly for");
  for (std::size_t i = 0; i < links.size(); ++i) {
    const LinkResult& link = *links[i];
    const std::vector<Part> stalls = link.stalls ? parts_of(*link.stalls) : std::vector<Part>();
    std::string row = fmt::format(
        "  {:<{}} {:>8} {:>9.2f} {:>9}  {}", names[i], width, human_percent(link.utilization(fabric.interval)),
        link.waiting(fabric.interval), human_count(link.replays),
        stalls.empty() ? "" : fmt::format("{} {}", stalls[0].name, human_percent(stalls[0].fraction)));
    row.erase(row.find_last_not_of(' ') + 1);
    text += row + "\n";
  }
  if (links.size() < fabric.links.size())
    text += fmt::format("  and {} less used ones in results.json\n", fabric.links.size() - links.size());
  return text;
}

std::string router_line(const FabricResult& fabric) {
  const std::vector<const RouterResult*> routers = fullest(fabric, 1);
  if (routers.empty()) return "";
  return wrapped(fmt::format("Fullest of {} routers: {}, on average {:.1f} flits in buffers of {}, at most {}.",
                             fabric.routers.size(), routers[0]->name, routers[0]->mean_occupancy,
                             routers[0]->buffer_slots, routers[0]->peak_occupancy));
}

/// Of packages at packet precision the use of their links by kind is enough, and what it leaves out.
bool needs_fabric_section(const Results& results) {
  return results.fabric->precision == FabricPrecision::flit || fabric_alone(results);
}

std::string fabric_section(const Results& results, std::size_t links) {
  const FabricResult& fabric = *results.fabric;
  const std::string precision = precision_words(fabric);
  return fabric_line(fabric) + (precision.empty() ? "" : wrapped(precision)) +
         parts_line("Waiting for links", parts_of(stalls_of(fabric))) + link_table(fabric, links) + router_line(fabric);
}

std::string stage_table(const Results& results, std::size_t most) {
  const StreamResult& all = results.all;
  if (all.latency.count == 0) return "";
  std::vector<std::pair<std::string, StageSummary>> stages;
  for (std::size_t s = 0; s < kStages; ++s)
    if (all.stages[s].sum != 0) stages.emplace_back(name_of(static_cast<Stage>(s)), all.stages[s]);
  // In the order of the way; where there are too many rows the smallest are left out and said so.
  std::size_t hidden = 0;
  while (stages.size() > most) {
    stages.erase(std::min_element(stages.begin(), stages.end(),
                                  [](const auto& a, const auto& b) { return a.second.sum < b.second.sum; }));
    ++hidden;
  }
  std::string text =
      fmt::format("Latency of a transaction by stage: mean {}, p50 {}, p99 {}, max {}{}\n",
                  human_time(all.latency.mean()), human_time(static_cast<double>(all.latency.p50)),
                  human_time(static_cast<double>(all.latency.p99)), human_time(static_cast<double>(all.latency.max)),
                  hidden == 0 ? "" : fmt::format(" ({} small stages not shown)", hidden));
  for (const auto& [name, stage] : stages) {
    const double share = static_cast<double>(stage.sum) / static_cast<double>(all.latency.sum);
    text += fmt::format("  {:<12} {:>11} mean {:>11} p99 {:>8}  {}\n", name,
                        human_time(static_cast<double>(stage.sum) / static_cast<double>(all.latency.count)),
                        human_time(static_cast<double>(stage.p99)), human_percent(share), bar(share, kBar));
  }
  return text;
}

std::string stream_table(const Results& results, std::size_t most) {
  if (results.streams.size() < 2) return "";
  std::vector<const StreamResult*> streams;
  for (const StreamResult& stream : results.streams) streams.push_back(&stream);
  std::stable_sort(streams.begin(), streams.end(), [](const auto* a, const auto* b) { return a->bytes > b->bytes; });
  const std::size_t shown = std::min(streams.size(), most);
  std::size_t width = 16;
  for (std::size_t i = 0; i < shown; ++i) width = std::max(width, streams[i]->name.size());
  std::string text = fmt::format("{:<{}} {:>13} {:>11} {:>13} {:>11} {:>11}\n", "Streams", width + 2, "transactions",
                                 "bytes", "bandwidth", "mean", "p99");
  for (std::size_t i = 0; i < shown; ++i) {
    const StreamResult& s = *streams[i];
    text += fmt::format("  {:<{}} {:>13} {:>11} {:>13} {:>11} {:>11}\n", s.name, width, human_count(s.transactions),
                        human_bytes(static_cast<double>(s.bytes)), human_rate(bytes_per_second(s.bytes, s.interval)),
                        human_time(s.latency.mean()), human_time(static_cast<double>(s.latency.p99)));
  }
  if (shown < streams.size()) text += fmt::format("  and {} more in results.json\n", streams.size() - shown);
  return text;
}

std::string aggressor_words(const BlameSum& sum) {
  if (sum.aggressor == "self") return "itself";
  if (sum.aggressor == "timing") return "DRAM timing";
  return sum.aggressor;
}

std::string blame_table(const Results& results, std::size_t most) {
  const std::vector<BlameSum> sums = aggregate(results.blame);
  if (sums.empty()) return "";
  std::string text = "Who waited for whom (mean per transaction of the waiting stream, share of its latency)\n";
  std::size_t width = 0;
  const std::size_t shown = std::min(sums.size(), most);
  std::vector<std::string> words;
  for (std::size_t i = 0; i < shown; ++i) {
    words.push_back(
        fmt::format("{} waited for {} at {}", sums[i].victim, aggressor_words(sums[i]), sums[i].resource_class));
    width = std::max(width, words.back().size());
  }
  for (std::size_t i = 0; i < shown; ++i) {
    const StreamResult* stream = find_stream(results, sums[i].victim);
    if (stream == nullptr) stream = &results.all;
    if (stream->latency.count == 0) continue;
    const double wait = static_cast<double>(sums[i].wait);
    text += fmt::format("  {:<{}} {:>11} {:>8}\n", words[i], width,
                        human_time(wait / static_cast<double>(stream->latency.count)),
                        human_percent(stream->latency.sum > 0 ? wait / static_cast<double>(stream->latency.sum) : 0.0));
  }
  return text;
}

std::string extrapolation_words(const WorkloadResult& workload) {
  if (!workload.extrapolated) return "";
  const Extrapolation& e = *workload.extrapolated;
  return wrapped(
      fmt::format("Extrapolated: {} of {} layers were simulated ({}); the others are taken to last as long as those, "
                  "what comes once was simulated once.",
                  e.layers_simulated, e.layers, human_time(static_cast<double>(e.simulated))));
}

std::string capacity_words(const Results& results) {
  if (!results.capacity || results.capacity->bytes == 0) return "";
  std::uint64_t used = 0;
  std::string parts;
  for (const auto& [what, bytes] : results.capacity->used) {
    used += bytes;
    parts += fmt::format("{}{} {}", parts.empty() ? "" : ", ", what, human_bytes(static_cast<double>(bytes)));
  }
  return wrapped(fmt::format("Memory: {} of {} used ({}){}.", human_bytes(static_cast<double>(used)),
                             human_bytes(static_cast<double>(results.capacity->bytes)),
                             human_percent(static_cast<double>(used) / static_cast<double>(results.capacity->bytes)),
                             parts.empty() ? "" : ": " + parts));
}

std::string foreign_words(const Results& results) {
  std::string words;
  for (const ForeignResult& model : results.foreign) {
    words += words.empty() ? "Foreign models: " : "; ";
    if (model.initiator) {
      words += fmt::format("{} made {} requests, {} of them of registers", model.name, human_count(model.requests),
                           human_count(model.register_accesses));
      if (model.loosely_timed != 0)
        words += fmt::format(", and {} loosely timed ones", human_count(model.loosely_timed));
    } else {
      words += fmt::format("{} answered {} reads and {} writes, {}", model.name, human_count(model.reads),
                           human_count(model.writes), human_bytes(static_cast<double>(model.bytes)));
    }
  }
  return words.empty() ? "" : wrapped(words + ".");
}

std::string cost_words(const Results& results) {
  const RunInfo& run = results.run;
  // Synthetic packets are no transactions.
  const bool packets = results.transactions == 0 && results.fabric;
  const std::uint64_t count = packets ? results.fabric->packets : results.transactions;
  std::string text =
      fmt::format("Simulated {} in {:.1f} s of wall clock, {:.1f} s of CPU on {} thread{}: {} {}",
                  human_time(static_cast<double>(run.simulated)), run.host_seconds, run.cpu_seconds, run.threads,
                  run.threads == 1 ? "" : "s", human_count(count), packets ? "packets" : "transactions");
  if (run.cpu_seconds > 0)
    text += fmt::format(
        ", {} per CPU second",
        human_count(static_cast<std::uint64_t>(std::llround(static_cast<double>(count) / run.cpu_seconds))));
  return wrapped(text + ".") + "Completion hash " + hex64(results.completion_hash) + ".\n";
}

std::string partial_words(const Results& results) {
  if (!is_partial(results.run.status)) return "";
  return wrapped(
      fmt::format("PARTIAL RESULTS: the run ended early at {} ({}{}{}); everything below covers that part only.",
                  human_time(static_cast<double>(results.run.simulated)), name_of(results.run.status),
                  results.run.exit_reason.empty() ? "" : ": ", results.run.exit_reason));
}

/// Sections separated by one empty line each.
std::string joined(const std::vector<std::string>& sections) {
  std::string text;
  for (const std::string& section : sections) {
    if (section.empty()) continue;
    if (!text.empty()) text += "\n";
    text += section;
  }
  return text;
}

std::string signed_time(double femtoseconds) { return (femtoseconds < 0 ? "" : "+") + human_time(femtoseconds); }

std::string fabric_headline(const std::string& what, const FabricResult& fabric) {
  std::string text = fmt::format("{}: {} packets in {}", what, human_count(fabric.packets),
                                 human_time(static_cast<double>(fabric.interval)));
  if (fabric.accepted_flits_per_node_cycle)
    text += fmt::format(", {:.3f} flits per node and cycle", *fabric.accepted_flits_per_node_cycle);
  if (fabric.accepted_flits_per_node_cycle && fabric.offered_flits_per_node_cycle)
    text += fmt::format(" of {:.3f} offered", *fabric.offered_flits_per_node_cycle);
  if (fabric.latency_cycles)
    text += fmt::format(", {:.1f} cycles from creation to the last flit (p99 {:.1f})", fabric.latency_cycles->mean,
                        fabric.latency_cycles->p99);
  return text + ".";
}

std::string composed(const Results& results, const Limits& limits) {
  std::vector<std::string> sections;
  std::string opening = partial_words(results) + wrapped(headline(results));
  if (results.bottleneck) opening += wrapped(results.bottleneck->explanation);
  if (results.workload) opening += extrapolation_words(*results.workload);
  sections.push_back(opening);
  if (results.workload && results.workload->gap) sections.push_back(gap_table(*results.workload, limits.gap));
  sections.push_back(usage_table(results));
  std::string parts;
  if (results.hbm) parts += parts_line("HBM data bus", parts_of(results.hbm->counters));
  if (results.hbm && results.hbm->energy) parts += energy_line(*results.hbm);
  if (results.compute) parts += parts_line("Core time", parts_of(results.compute->cores));
  if (results.fabric && !needs_fabric_section(results)) parts += wrapped(precision_words(*results.fabric));
  sections.push_back(parts);
  if (results.fabric && needs_fabric_section(results)) sections.push_back(fabric_section(results, limits.links));
  sections.push_back(stage_table(results, limits.stages));
  sections.push_back(stream_table(results, limits.streams));
  sections.push_back(blame_table(results, limits.blame));
  sections.push_back(capacity_words(results) + foreign_words(results) + cost_words(results));
  return joined(sections);
}

}  // namespace

std::string headline(const Results& results) {
  const std::string what = (results.workload ? results.workload->name : results.run.workload) +
                           (results.run.platform.empty() ? "" : " on " + results.run.platform);
  if (results.workload) {
    const WorkloadResult& w = *results.workload;
    const double measured = static_cast<double>(w.measured);
    std::string floor;
    if (w.gap && w.gap->floor > 0 && w.measured > 0)
      floor = fmt::format("; the floor is {}, so it runs at {} of what is possible",
                          human_time(static_cast<double>(w.gap->floor)),
                          human_percent(static_cast<double>(w.gap->floor) / measured));
    if (w.tokens > 0 && w.measured > 0) {
      const double per_second = static_cast<double>(w.tokens) / (measured / 1e15);
      if (w.phase == "decode")
        return fmt::format(
            "{}: {} per token, {:.1f} tokens/s{}{}.", what, human_time(w.time_per_token()),
            per_second / static_cast<double>(w.users),
            w.users == 1 ? "" : fmt::format(" per user, {:.1f} tokens/s for {} users", per_second, w.users), floor);
      return fmt::format("{}: {} tokens in {}, {:.1f} tokens/s{}.", what, human_count(w.tokens), human_time(measured),
                         per_second, floor);
    }
    if (w.measured > 0 && w.phase == "kernel") {
      std::uint64_t flops = 0;
      for (const OperatorResult& op : w.operators) flops += op.flops;
      return fmt::format("{}: {}, {}{}.", what, human_time(measured),
                         human_flops(static_cast<double>(flops) / (measured / 1e15)), floor);
    }
  }
  if (fabric_alone(results) && (results.fabric->latency_cycles || results.fabric->accepted_flits_per_node_cycle))
    return fabric_headline(what, *results.fabric);
  const StreamResult& all = results.all;
  const double rate = bytes_per_second(all.bytes, all.interval);
  std::string text = fmt::format("{}: {}", what, human_rate(rate));
  if (results.hbm && results.hbm->counters.peak_bytes_per_second > 0)
    text += fmt::format(" ({} of the HBM's peak)", human_percent(rate / results.hbm->counters.peak_bytes_per_second));
  if (all.latency.count > 0)
    text += fmt::format(", {} from request to response (p99 {})", human_time(all.latency.mean()),
                        human_time(static_cast<double>(all.latency.p99)));
  return text + fmt::format(", {} in {}.", human_bytes(static_cast<double>(all.bytes)),
                            human_time(static_cast<double>(all.interval)));
}

std::string summary(const Results& results) {
  for (Limits limits;;) {
    const std::string text = composed(results, limits);
    if (static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n')) <= kLines || !limits.shrink()) return text;
  }
}

std::string comparison(const Results& alone, const Results& contended, const std::string& victim) {
  const StreamResult* before = find_stream(alone, victim);
  const StreamResult* after = find_stream(contended, victim);
  std::string others;
  for (const StreamResult& stream : contended.streams)
    if (stream.name != victim) others += (others.empty() ? "" : ", ") + stream.name;
  if (before == nullptr || after == nullptr)
    return fmt::format("There is no stream {} in {}.\n", victim,
                       before == nullptr ? "the run alone" : "the contended run");

  std::vector<std::string> sections;
  const auto gap_of = [&](const Results& r) -> const FloorGap* {
    return r.workload && r.workload->stream == victim && r.workload->gap ? &*r.workload->gap : nullptr;
  };
  const bool timed = alone.workload && contended.workload && alone.workload->stream == victim &&
                     contended.workload->stream == victim && alone.workload->measured > 0;
  std::string opening;
  if (timed) {
    const double x = static_cast<double>(alone.workload->measured);
    const double y = static_cast<double>(contended.workload->measured);
    opening = fmt::format("What {} costs {}: {} goes from {} to {}, {:.2f} times as long ({}).", others, victim,
                          measured_label(*alone.workload), human_time(x), human_time(y), y / x, signed_time(y - x));
  } else {
    const double x = before->latency.mean();
    const double y = after->latency.mean();
    opening = fmt::format("What {} costs {}: the mean latency goes from {} to {}, {:.2f} times as long ({}).", others,
                          victim, human_time(x), human_time(y), x > 0 ? y / x : 0.0, signed_time(y - x));
  }
  const double rate_before = bytes_per_second(before->bytes, before->interval);
  const double rate_after = bytes_per_second(after->bytes, after->interval);
  opening += fmt::format(" Its bandwidth goes from {} to {}", human_rate(rate_before), human_rate(rate_after));
  for (const StreamResult& stream : contended.streams)
    if (stream.name != victim)
      opening += fmt::format(", {} takes {}", stream.name, human_rate(bytes_per_second(stream.bytes, stream.interval)));
  sections.push_back(wrapped(opening + "."));

  const FloorGap* gap_before = gap_of(alone);
  const FloorGap* gap_after = gap_of(contended);
  if (gap_before != nullptr && gap_after != nullptr) {
    // The same rows on both sides: terms of both, in order of what they cost more.
    std::vector<GapTerm> x;
    std::vector<GapTerm> y;
    const auto at = [](std::vector<GapTerm>& terms, const std::string& key) -> Time& {
      for (GapTerm& term : terms)
        if (term.term == key) return term.time;
      terms.push_back({key, 0});
      return terms.back().time;
    };
    for (const GapTerm& term : gap_before->terms) at(x, term.term) += term.time, at(y, term.term);
    for (const GapTerm& term : gap_after->terms) at(x, term.term), at(y, term.term) += term.time;
    x.push_back({"unexplained", gap_before->unexplained});
    y.push_back({"unexplained", gap_after->unexplained});
    const Precision precision(gap_after->measured);
    const std::int64_t measured_x = rounded(gap_before->measured, precision.unit);
    const std::int64_t measured_y = rounded(gap_after->measured, precision.unit);
    const std::int64_t floor_x = rounded(gap_before->floor, precision.unit);
    const std::int64_t floor_y = rounded(gap_after->floor, precision.unit);
    const std::vector<std::int64_t> rx = rounded_to_sum(times_of(x), precision.unit, measured_x - floor_x);
    const std::vector<std::int64_t> ry = rounded_to_sum(times_of(y), precision.unit, measured_y - floor_y);
    std::vector<std::size_t> order;
    for (std::size_t i = 0; i < x.size(); ++i)
      if (rx[i] != 0 || ry[i] != 0) order.push_back(i);
    std::stable_sort(order.begin(), order.end(),
                     [&](std::size_t a, std::size_t b) { return ry[a] - rx[a] > ry[b] - rx[b]; });
    const double cost = static_cast<double>(std::max<std::int64_t>(measured_y - measured_x, 1));
    std::string text =
        fmt::format("{:<40} {:>13} {:>13} {:>13} {:>9}\n", capitalised(measured_label(*alone.workload)) + ", ns",
                    "alone", "contended", "cost", "% of cost");
    const auto row = [&](const std::string& label, std::int64_t a, std::int64_t b) {
      text += fmt::format("  {:<38} {:>13} {:>13} {:>13} {:>9}\n", label, precision.text(a), precision.text(b),
                          precision.text(b - a), human_percent(static_cast<double>(b - a) / cost));
    };
    row("floor", floor_x, floor_y);
    for (const std::size_t i : order) row("+ " + label_of(x[i].term), rx[i], ry[i]);
    row("= measured", measured_x, measured_y);
    sections.push_back(text);
  }

  if (before->latency.count > 0 && after->latency.count > 0) {
    constexpr Time kUnit = 100 * kPicosecond;
    const auto means = [](const StreamResult& s) {
      std::vector<Time> result;
      for (const StageSummary& stage : s.stages)
        result.push_back(static_cast<Time>(stage.sum / static_cast<__int128>(s.latency.count)));
      return result;
    };
    const std::int64_t whole_x = rounded(static_cast<Time>(before->latency.mean()), kUnit);
    const std::int64_t whole_y = rounded(static_cast<Time>(after->latency.mean()), kUnit);
    const std::vector<std::int64_t> x = rounded_to_sum(means(*before), kUnit, whole_x);
    const std::vector<std::int64_t> y = rounded_to_sum(means(*after), kUnit, whole_y);
    std::string text = fmt::format("{:<40} {:>13} {:>13} {:>13}\n", "Mean latency of " + victim + " by stage, ns",
                                   "alone", "contended", "cost");
    const auto tenths = [](std::int64_t v) { return fmt::format("{:.1f}", static_cast<double>(v) / 10); };
    for (std::size_t s = 0; s < kStages; ++s)
      if (x[s] != 0 || y[s] != 0)
        text += fmt::format("  {:<38} {:>13} {:>13} {:>13}\n", name_of(static_cast<Stage>(s)), tenths(x[s]),
                            tenths(y[s]), tenths(y[s] - x[s]));
    text += fmt::format("  {:<38} {:>13} {:>13} {:>13}\n", "= latency", tenths(whole_x), tenths(whole_y),
                        tenths(whole_y - whole_x));
    sections.push_back(text);
  }

  // Resource by resource: what the victim waited for others there, and how its waiting for itself changed.
  const std::vector<BlameSum> sums = aggregate(contended.blame);
  const std::vector<BlameSum> sums_alone = aggregate(alone.blame);
  std::string text;
  std::size_t rows = 0;
  for (const BlameSum& sum : sums) {
    const bool other = sum.aggressor != "self" && sum.aggressor != "refresh" && sum.aggressor != "timing";
    if (sum.victim != victim || !other || rows == 8 || after->latency.count == 0) continue;
    if (rows++ == 0)
      text = fmt::format("{:<50} {:>13} {:>13}\n", "Where " + victim + " waited for others, per transaction", "wait",
                         "% of latency");
    const double wait = static_cast<double>(sum.wait);
    text += fmt::format("  {:<48} {:>13} {:>13}\n", fmt::format("{}: for {}", sum.resource_class, sum.aggressor),
                        human_time(wait / static_cast<double>(after->latency.count)),
                        human_percent(after->latency.sum > 0 ? wait / static_cast<double>(after->latency.sum) : 0));
  }
  sections.push_back(text);
  text.clear();
  rows = 0;
  for (const BlameSum& sum : sums) {
    const bool own = sum.aggressor == "self" || sum.aggressor == "refresh" || sum.aggressor == "timing";
    if (sum.victim != victim || !own || rows == 5 || after->latency.count == 0 || before->latency.count == 0) continue;
    Time wait_alone = 0;
    for (const BlameSum& candidate : sums_alone)
      if (candidate.resource_class == sum.resource_class && candidate.victim == victim &&
          candidate.aggressor == sum.aggressor)
        wait_alone = candidate.wait;
    if (rows++ == 0)
      text = fmt::format("{:<50} {:>13} {:>13}\n", "What it waits for anyway, per transaction", "alone", "contended");
    text += fmt::format("  {:<48} {:>13} {:>13}\n", fmt::format("{}: for {}", sum.resource_class, aggressor_words(sum)),
                        human_time(static_cast<double>(wait_alone) / static_cast<double>(before->latency.count)),
                        human_time(static_cast<double>(sum.wait) / static_cast<double>(after->latency.count)));
  }
  sections.push_back(text);
  return joined(sections);
}

}  // namespace cowosim::telemetry
