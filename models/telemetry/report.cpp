#include "telemetry/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <string_view>
#include <vector>

#include "telemetry/derived.h"
#include "telemetry/html.h"
#include "telemetry/summary.h"
#include "telemetry/text.h"

namespace cowosim::telemetry {

namespace {

constexpr const char* kFloor = "#9aa5b1";
constexpr const char* kTerm = kOther;
constexpr const char* kNegative = "#009e73";
constexpr std::array kLossColours{"#d55e00", "#e69f00", "#cc79a7", "#882255", "#56b4e9", "#999933", "#e4e7eb"};
constexpr std::array kKindColours{"#0072b2", "#e69f00", "#009e73", "#cc79a7",
                                  "#56b4e9", "#d55e00", "#999933", "#882255"};
constexpr double kRow = 24;
constexpr double kLeft = 250;   // labels end here, bars begin
constexpr double kRight = 240;  // room for values behind the longest bar

/// Rows of a label, a bar from `begin` to `end` (fractions of the longest) and a value.
struct BarRow {
  std::string label;
  double begin = 0;
  double end = 0;
  const char* colour = kData;
  std::string value;
};
std::string bars(const std::vector<BarRow>& rows, const std::string& label) {
  if (rows.empty()) return "";
  Drawing drawing(static_cast<double>(rows.size()) * kRow, label);
  const double width = kPage - kLeft - kRight;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const double y = static_cast<double>(i) * kRow;
    const double low = std::clamp(std::min(rows[i].begin, rows[i].end), 0.0, 1.0);
    const double high = std::clamp(std::max(rows[i].begin, rows[i].end), 0.0, 1.0);
    drawing.label(kLeft - 10, y + 16, rows[i].label, "end");
    drawing.box(kLeft + low * width, y + 3, std::max((high - low) * width, 1.0), kRow - 7, rows[i].colour,
                rows[i].label + ": " + rows[i].value);
    drawing.label(kLeft + high * width + 8, y + 16, rows[i].value);
  }
  return drawing.done();
}

std::string waterfall(const WorkloadResult& workload) {
  const FloorGap& gap = *workload.gap;
  double most = static_cast<double>(std::max(gap.measured, gap.floor));
  const std::vector<GapTerm> terms = ordered_terms(gap, 20);
  double running = static_cast<double>(gap.floor);
  for (const GapTerm& term : terms) most = std::max(most, running += static_cast<double>(term.time));
  if (most <= 0) return "";
  std::vector<BarRow> rows;
  const double floor = static_cast<double>(gap.floor);
  rows.push_back({"floor", 0, floor / most, kFloor, human_time(floor)});
  running = floor;
  const double whole = static_cast<double>(std::max<Time>(gap.measured - gap.floor, 1));
  for (const GapTerm& term : terms) {
    const double time = static_cast<double>(term.time);
    rows.push_back(
        {label_of(term.term), running / most, (running + time) / most, time < 0 ? kNegative : kTerm,
         fmt::format("{}{} ({} of the gap)", time < 0 ? "" : "+", human_time(time), human_percent(time / whole))});
    running += time;
  }
  rows.push_back(
      {"measured", 0, static_cast<double>(gap.measured) / most, kData, human_time(static_cast<double>(gap.measured))});
  return bars(rows, "from the floor to the measured time");
}

std::string usage_bars(const Results& results) {
  std::vector<BarRow> rows;
  for (const UsageRow& row : usage_of(results))
    rows.push_back({row.name, 0, row.fraction, kData, fmt::format("{} of {}", human_percent(row.fraction), row.peak)});
  return bars(rows, "achieved over peak");
}

std::string stage_bars(const StreamResult& stream) {
  double most = 0;
  for (const StageSummary& stage : stream.stages) most = std::max(most, static_cast<double>(stage.sum));
  if (most <= 0) return "";
  std::vector<BarRow> rows;
  for (std::size_t s = 0; s < kStages; ++s) {
    const double sum = static_cast<double>(stream.stages[s].sum);
    if (sum == 0) continue;
    rows.push_back({name_of(static_cast<Stage>(s)), 0, sum / most, kData,
                    fmt::format("{} ({}), p99 {}", human_time(sum / static_cast<double>(stream.latency.count)),
                                human_percent(sum / static_cast<double>(stream.latency.sum)),
                                human_time(static_cast<double>(stream.stages[s].p99)))});
  }
  return bars(rows, "latency by stage");
}

/// One full-width bar a row, split into parts.
struct Split {
  std::string label;
  std::vector<std::pair<std::string, double>> parts;  ///< in the order of the colours
};
template <class Colours>
std::string split_bars(const std::vector<Split>& rows, const Colours& colours, const std::string& label) {
  if (rows.empty()) return "";
  Drawing drawing(static_cast<double>(rows.size()) * kRow, label);
  const double width = kPage - kLeft;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const double y = static_cast<double>(i) * kRow;
    drawing.label(kLeft - 10, y + 16, rows[i].label, "end");
    double x = kLeft;
    for (std::size_t p = 0; p < rows[i].parts.size(); ++p) {
      const auto& [name, fraction] = rows[i].parts[p];
      drawing.box(x, y + 2, fraction * width, kRow - 4, colours[p % colours.size()],
                  fmt::format("{}: {} {}", rows[i].label, name, human_percent(fraction)));
      x += fraction * width;
    }
  }
  return drawing.done();
}

std::string hbm_bars(const HbmResult& hbm) {
  std::vector<const char*> colours{kData};
  colours.insert(colours.end(), kLossColours.begin(), kLossColours.end());
  std::vector<std::pair<std::string, const char*>> names{{"data", kData}};
  for (std::size_t i = 0; i < kHbmLosses; ++i)
    names.emplace_back(label_of(name_of(static_cast<HbmLoss>(i))), kLossColours[i]);
  std::vector<Split> rows;
  const auto add = [&](const std::string& name, const HbmCounters& c) {
    if (c.bus_time <= 0) return;
    const double whole = static_cast<double>(c.bus_time);
    Split row{fmt::format("{} {}", name, human_rate(bytes_per_second(c.bytes, hbm.interval))),
              {{"data", static_cast<double>(c.data_time) / whole}}};
    for (std::size_t i = 0; i < kHbmLosses; ++i)
      row.parts.emplace_back(names[i + 1].first, static_cast<double>(c.loss[i]) / whole);
    rows.push_back(std::move(row));
  };
  if (hbm.stacks.size() != 1) add("all", hbm.counters);
  for (const HbmStackResult& stack : hbm.stacks) add(stack.name, stack.counters);
  if (rows.empty()) return "";
  return legend(names) + split_bars(rows, colours, "data bus time by use");
}

std::string core_bars(const ComputeResult& compute) {
  // Only what shows; one colour each, useful first.
  std::vector<const char*> colours{kKindColours.begin(), kKindColours.end()};
  std::vector<std::pair<std::string, const char*>> names{{"computing", colours[0]}};
  std::vector<std::size_t> shown;
  for (std::size_t i = 0; i < kCoreLosses; ++i) {
    if (compute.cores.loss[i] == 0) continue;
    shown.push_back(i);
    names.emplace_back(label_of(name_of(static_cast<CoreLoss>(i))), colours[names.size() % colours.size()]);
  }
  std::vector<Split> rows;
  for (const DieResult& die : compute.dies) {
    if (die.cores.core_time <= 0) continue;
    const double whole = static_cast<double>(die.cores.core_time);
    Split row{die.name, {{"computing", static_cast<double>(die.cores.useful_time) / whole}}};
    for (std::size_t n = 0; n < shown.size(); ++n)
      row.parts.emplace_back(names[n + 1].first, static_cast<double>(die.cores.loss[shown[n]]) / whole);
    rows.push_back(std::move(row));
  }
  if (rows.empty()) return "";
  return legend(names) + split_bars(rows, colours, "core time by use");
}

/// The darker, the larger the fraction.
std::string heat_cell(const std::string& words, double fraction) {
  return fmt::format("<td class=\"number\" style=\"background:rgba(213,94,0,{:.2f})\">{}</td>",
                     0.05 + 0.75 * std::clamp(fraction, 0.0, 1.0), escaped(words));
}

/// Victims and resources down, aggressors across; the darker, the longer the mean wait of a victim's transaction.
std::string blame_map(const Results& results) {
  const std::vector<BlameSum> sums = aggregate(results.blame);
  if (sums.empty()) return "";
  std::vector<std::string> columns;
  std::vector<std::pair<std::string, std::string>> rows;
  std::map<std::pair<std::pair<std::string, std::string>, std::string>, double> waits;
  double most = 0;
  for (const BlameSum& sum : sums) {
    const StreamResult* stream = find_stream(results, sum.victim);
    if (stream == nullptr) stream = &results.all;
    if (stream->latency.count == 0) continue;
    const std::pair<std::string, std::string> row{sum.victim, sum.resource_class};
    if (std::find(rows.begin(), rows.end(), row) == rows.end()) rows.push_back(row);
    if (std::find(columns.begin(), columns.end(), sum.aggressor) == columns.end()) columns.push_back(sum.aggressor);
    const double wait = static_cast<double>(sum.wait) / static_cast<double>(stream->latency.count);
    waits[{row, sum.aggressor}] = wait;
    most = std::max(most, wait);
  }
  if (most <= 0) return "";
  std::sort(columns.begin(), columns.end());
  std::string text = "<table class=\"heat\"><tr><th>who waited</th><th>where</th>";
  for (const std::string& column : columns) text += fmt::format("<th>for {}</th>", escaped(column));
  text += "</tr>\n";
  for (const auto& row : rows) {
    text += fmt::format("<tr><td>{}</td><td>{}</td>", escaped(row.first), escaped(row.second));
    for (const std::string& column : columns) {
      const auto found = waits.find({row, column});
      if (found == waits.end()) {
        text += "<td></td>";
        continue;
      }
      text += heat_cell(human_time(found->second), found->second / most);
    }
    text += "</tr>\n";
  }
  return text + "</table>\n";
}

std::string timeline(const WorkloadResult& workload) {
  if (workload.operators.empty()) return "";
  std::vector<std::string> kinds;
  Time first = kNever;
  Time last = 0;
  for (const OperatorResult& op : workload.operators) {
    if (std::find(kinds.begin(), kinds.end(), op.kind) == kinds.end()) kinds.push_back(op.kind);
    first = std::min(first, op.start);
    last = std::max(last, op.end);
  }
  if (last <= first) return "";
  Drawing drawing(static_cast<double>(kinds.size()) * kRow + 22, "operators over time");
  const double left = 130;
  const double width = kPage - left;
  const double span = static_cast<double>(last - first);
  for (std::size_t k = 0; k < kinds.size(); ++k) {
    const double y = static_cast<double>(k) * kRow;
    drawing.label(left - 10, y + 16, kinds[k], "end");
    for (const OperatorResult& op : workload.operators) {
      if (op.kind != kinds[k]) continue;
      const double x = static_cast<double>(op.start - first) / span;
      const double w = static_cast<double>(op.end - op.start) / span;
      drawing.box(
          left + x * width, y + 2, std::max(w * width, 0.6), kRow - 4, kKindColours[k % kKindColours.size()],
          fmt::format("{}: {} to {} ({}), {}, {}bound by {}", op.name, human_time(static_cast<double>(op.start)),
                      human_time(static_cast<double>(op.end)), human_time(static_cast<double>(op.end - op.start)),
                      human_bytes(static_cast<double>(op.bytes)),
                      op.repeats > 1 ? fmt::format("stands for {}, ", op.repeats) : "",
                      op.bound_by.empty() ? "?" : op.bound_by));
    }
  }
  const double y = static_cast<double>(kinds.size()) * kRow + 16;
  drawing.label(left, y, human_time(static_cast<double>(first)));
  drawing.label(kPage, y, human_time(static_cast<double>(last)), "end");
  return drawing.done();
}

std::string operator_table(const WorkloadResult& workload) {
  std::vector<const OperatorResult*> operators;
  for (const OperatorResult& op : workload.operators) operators.push_back(&op);
  std::stable_sort(operators.begin(), operators.end(),
                   [](const auto* a, const auto* b) { return a->end - a->start > b->end - b->start; });
  constexpr std::size_t kShown = 12;
  if (operators.size() > kShown) operators.resize(kShown);
  if (operators.empty()) return "";
  std::vector<std::vector<std::string>> rows;
  for (const OperatorResult* op : operators)
    rows.push_back({op->name, op->kind, human_time(static_cast<double>(op->end - op->start)),
                    human_bytes(static_cast<double>(op->bytes)),
                    human_rate(bytes_per_second(op->bytes, op->end - op->start)), human_count(op->flops),
                    op->bound_by});
  return table({"longest operators", "kind", ">time", ">bytes", ">rate", ">FLOP", "bound by"}, rows);
}

std::string fabric_table(const FabricResult& fabric) {
  std::vector<std::vector<std::string>> rows;
  const auto add = [&](const char* name, const std::optional<double>& value) {
    if (value) rows.push_back({name, fmt::format("{:.3f}", *value)});
  };
  rows.push_back({"packets", human_count(fabric.packets)});
  if (fabric.flits > 0) rows.push_back({"flits", human_count(fabric.flits)});
  add("flits offered per node and cycle", fabric.offered_flits_per_node_cycle);
  add("flits accepted per node and cycle", fabric.accepted_flits_per_node_cycle);
  add("hops, mean", fabric.hops_mean);
  if (fabric.latency_cycles) {
    const CycleSummary& c = *fabric.latency_cycles;
    rows.push_back({"latency in cycles, creation to last flit",
                    fmt::format("mean {:.1f}, p50 {:.1f}, p90 {:.1f}, p95 {:.1f}, p99 {:.1f}, max {:.1f}", c.mean,
                                c.p50, c.p90, c.p95, c.p99, c.max)});
  }
  if (fabric.energy_pj) rows.push_back({"energy of the links", human_energy(*fabric.energy_pj)});
  return table({fmt::format("{} precision", name_of(fabric.precision)), ">"}, rows);
}

constexpr std::size_t kLinksShown = 20;

std::string link_bars(const FabricResult& fabric) {
  std::vector<BarRow> rows;
  for (const LinkResult* link : busiest(fabric, kLinksShown)) {
    const double used = link->utilization(fabric.interval);
    rows.push_back({link->name, 0, used, kData,
                    fmt::format("{} of {}", human_percent(used), human_rate(link->peak_bytes_per_second))});
  }
  return bars(rows, "utilization of the busiest links");
}

/// Of each link shown as a bar: how many waited for it on average (the cells' colour), and why.
std::string stall_map(const FabricResult& fabric) {
  const std::vector<const LinkResult*> links = busiest(fabric, kLinksShown);
  if (links.empty()) return "";
  const bool reasons = std::any_of(links.begin(), links.end(), [](const auto* link) { return link->stalls; });
  std::string text = "<table class=\"heat\"><tr><th>link</th><th>kind</th><th>achieved</th><th>waiting</th>";
  for (std::size_t i = 0; reasons && i < kLinkStalls; ++i)
    text += fmt::format("<th>{}</th>", escaped(label_of(name_of(static_cast<LinkStall>(i)))));
  text += "<th>replays</th><th>energy</th></tr>\n";
  const auto waiting = [&](double average) { return heat_cell(fmt::format("{:.2f}", average), average); };
  for (const LinkResult* link : links) {
    std::string achieved = human_rate(bytes_per_second(link->bytes, fabric.interval));
    if (link->lane_loss)
      achieved += fmt::format(" ({} left after {})", human_rate(link->lane_loss->peak_bytes_per_second),
                              human_time(static_cast<double>(link->lane_loss->after)));
    text += fmt::format("<tr><td>{}</td><td>{}</td><td class=\"number\">{}</td>{}", escaped(link->name),
                        escaped(link->kind), achieved, waiting(link->waiting(fabric.interval)));
    const double whole = static_cast<double>(std::max<Time>(link->wait, 1));
    for (std::size_t i = 0; reasons && i < kLinkStalls; ++i)
      text += link->stalls ? waiting(link->waiting(fabric.interval) * static_cast<double>((*link->stalls)[i]) / whole)
                           : "<td></td>";
    text += fmt::format("<td class=\"number\">{}</td><td class=\"number\">{}</td></tr>\n", human_count(link->replays),
                        link->energy_pj ? human_energy(*link->energy_pj) : "");
  }
  text += "</table>\n";
  if (links.size() < fabric.links.size())
    text += fmt::format("<p class=\"note\">and {} less used ones in results.json</p>\n",
                        fabric.links.size() - links.size());
  return text;
}

std::string router_map(const FabricResult& fabric) {
  constexpr std::size_t kShown = 10;
  const std::vector<const RouterResult*> routers = fullest(fabric, kShown);
  if (routers.empty()) return "";
  std::string text =
      "<table class=\"heat\"><tr><th>fullest routers</th><th>slots</th><th>flits per cycle</th><th>flits in "
      "buffers</th>"
      "<th>most at once</th></tr>\n";
  for (const RouterResult* router : routers) {
    const double slots = static_cast<double>(std::max<std::uint64_t>(router->buffer_slots, 1));
    const double cycles =
        router->period > 0 ? static_cast<double>(fabric.interval) / static_cast<double>(router->period) : 0.0;
    text +=
        fmt::format("<tr><td>{}</td><td>{}</td><td class=\"number\">{:.3f}</td>", escaped(router->name),
                    human_count(router->buffer_slots), cycles > 0 ? static_cast<double>(router->flits) / cycles : 0.0);
    text += heat_cell(fmt::format("{:.1f}", router->mean_occupancy), router->mean_occupancy / slots);
    text += heat_cell(human_count(router->peak_occupancy), static_cast<double>(router->peak_occupancy) / slots);
    text += "</tr>\n";
  }
  text += "</table>\n";
  if (routers.size() < fabric.routers.size())
    text += fmt::format("<p class=\"note\">and {} more in results.json</p>\n", fabric.routers.size() - routers.size());
  return text;
}

std::string fabric_note(const FabricResult& fabric) {
  const std::string precision = precision_words(fabric);
  return precision + (precision.empty() ? "" : " ") +
         "Waiting is the number of packets or VCs that want a link and do not get it, on average.";
}

std::string energy_tables(const HbmResult& hbm) {
  const EnergyAccount account = hbm.energy->total();
  const double whole = account.total().value;
  if (whole <= 0) return "";
  std::vector<std::vector<std::string>> rows;
  for (const EnergyTerm& term : account.terms())
    rows.push_back({term.name, human_count(term.count) + " x " + term.per, exact_number(term.each.value),
                    human_energy(term.energy().value), human_percent(term.energy().value / whole), term.source});
  std::string text = table({"what", ">count", ">pJ each", ">energy", ">share", "source"}, rows);
  rows.clear();
  const auto add = [&](const std::string& name, const EnergyAccount& of, std::uint64_t bits) {
    rows.push_back({name, human_energy(of.total().value), energy_per_bit(of.total(), bits)});
  };
  for (const auto& [stack, of] : hbm.energy->owners) add(stack, of, of.count("io"));
  for (const auto& [stream, of] : hbm.energy->streams) add("stream " + stream, of, of.count("io"));
  add("refresh and background", hbm.energy->unattributed, 0);
  return text + table({"whose", ">energy", ">per bit [interval]"}, rows);
}

std::string stream_table(const Results& results) {
  if (results.streams.empty()) return "";
  std::vector<std::vector<std::string>> rows;
  for (const StreamResult& s : results.streams)
    rows.push_back({s.name, human_count(s.transactions), human_bytes(static_cast<double>(s.bytes)),
                    human_rate(bytes_per_second(s.bytes, s.interval)), human_time(s.latency.mean()),
                    human_time(static_cast<double>(s.latency.p50)), human_time(static_cast<double>(s.latency.p99)),
                    human_time(static_cast<double>(s.latency.p999)), human_time(static_cast<double>(s.latency.max))});
  return table({"stream", ">transactions", ">bytes", ">bandwidth", ">mean", ">p50", ">p99", ">p99.9", ">max"}, rows);
}

std::string tiles(const Results& results) {
  std::vector<std::pair<std::string, std::string>> entries;
  if (results.workload && results.workload->measured > 0) {
    const WorkloadResult& w = *results.workload;
    const bool decode = w.phase == "decode" && w.tokens > 0;
    entries.emplace_back(measured_label(w), human_time(decode ? w.time_per_token() : static_cast<double>(w.measured)));
    if (w.gap) entries.emplace_back("floor", human_time(static_cast<double>(w.gap->floor)));
    if (w.tokens > 0)
      entries.emplace_back("tokens per second", fmt::format("{:.1f}", static_cast<double>(w.tokens) /
                                                                          (static_cast<double>(w.measured) / 1e15)));
  }
  if (results.hbm && results.hbm->counters.peak_bytes_per_second > 0)
    entries.emplace_back("HBM bandwidth",
                         human_rate(bytes_per_second(results.hbm->counters.bytes, results.hbm->interval)));
  if (results.fabric && results.fabric->accepted_flits_per_node_cycle)
    entries.emplace_back("flits per node and cycle",
                         fmt::format("{:.3f}", *results.fabric->accepted_flits_per_node_cycle));
  if (results.fabric && results.fabric->latency_cycles)
    entries.emplace_back("cycles of a packet", fmt::format("{:.1f}", results.fabric->latency_cycles->mean));
  if (results.all.latency.count > 0) entries.emplace_back("mean latency", human_time(results.all.latency.mean()));
  if (results.bottleneck) {
    std::string bound = results.bottleneck->bound_by;
    std::replace(bound.begin(), bound.end(), '_', ' ');
    entries.emplace_back("bound by", bound);
  }
  std::string text = "<div class=\"tiles\">";
  for (const auto& [name, value] : entries)
    text += fmt::format("<div><b>{}</b><span>{}</span></div>", escaped(value), escaped(name));
  return text + "</div>\n";
}

}  // namespace

std::string report_html(const Results& results) {
  const RunInfo& run = results.run;
  const std::string title =
      fmt::format("{} on {}", results.workload ? results.workload->name : run.workload, run.platform);
  std::string html = html_head(title);
  if (is_partial(run.status))
    html += fmt::format(
        "<p class=\"warning\"><b>Partial results.</b> The run ended early at {} ({}{}{}); everything here covers that "
        "part only.</p>\n",
        human_time(static_cast<double>(run.simulated)), name_of(run.status), run.exit_reason.empty() ? "" : ": ",
        escaped(run.exit_reason));
  html += fmt::format("<p class=\"answer\">{}</p>\n", escaped(headline(results)));
  if (results.bottleneck) html += fmt::format("<p>{}</p>\n", escaped(results.bottleneck->explanation));
  if (results.workload && results.workload->extrapolated)
    html += fmt::format("<p class=\"note\">Extrapolated: {} of {} layers were simulated ({}).</p>\n",
                        results.workload->extrapolated->layers_simulated, results.workload->extrapolated->layers,
                        human_time(static_cast<double>(results.workload->extrapolated->simulated)));
  html += tiles(results);
  if (results.workload && results.workload->gap)
    html += section("Where the time goes",
                    "From what the bytes or FLOPs take at peak to the measured time; every term is counted on its own.",
                    waterfall(*results.workload));
  html += section("How much of each peak", "", usage_bars(results));
  html += section("Latency by stage", "Mean of all transactions; the stages add up to the latency exactly.",
                  stage_bars(results.all));
  if (results.hbm) html += section("What the HBM's data buses did", "", hbm_bars(*results.hbm));
  if (results.hbm && results.hbm->energy)
    html += section("HBM energy", "What was counted times what it costs; a stream's is that of its own commands.",
                    energy_tables(*results.hbm));
  if (results.compute) html += section("What the cores did", "", core_bars(*results.compute));
  html += section("Who waited for whom", "Mean wait per transaction of the one who waited.", blame_map(results));
  if (results.workload)
    html += section("Operators", "As simulated; hover for the numbers.",
                    timeline(*results.workload) + operator_table(*results.workload));
  html += section("Streams", "", stream_table(results));
  if (results.fabric)
    html += section("Fabric", fabric_note(*results.fabric),
                    fabric_table(*results.fabric) + link_bars(*results.fabric) + stall_map(*results.fabric) +
                        router_map(*results.fabric));
  html += fmt::format(
      "<footer><p>Everything resolved is in <a href=\"config.yaml\">config.yaml</a>; numbers in <a "
      "href=\"results.json\">results.json</a>, "
      "<a href=\"stats.csv\">stats.csv</a> and <a href=\"hashes.csv\">hashes.csv</a>.</p>\n"
      "<p>cowosim {} ({}), SystemC {}, seed {}, {} threads; {} transactions in {:.1f} s; completion hash "
      "<code>{}</code></p>\n"
      "<p><code>{}</code></p></footer>\n</body></html>\n",
      escaped(run.version), escaped(run.git_hash), escaped(run.systemc_version), run.seed, run.threads,
      human_count(results.transactions), run.host_seconds, hex64(results.completion_hash), escaped(run.command_line));
  return html;
}

}  // namespace cowosim::telemetry
