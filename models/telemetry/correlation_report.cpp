// A correlation as text, JSON, CSV and a page.
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "telemetry/correlation.h"
#include "telemetry/html.h"
#include "telemetry/text.h"

namespace cowosim::telemetry {

namespace {

using Json = nlohmann::ordered_json;

double clocks(const Correlation& c, double time) { return time / static_cast<double>(c.clock); }
double ns(double time) { return time / static_cast<double>(kNanosecond); }
std::string signed_ns(double time) { return fmt::format("{:+.3f}", ns(time)); }
std::string signed_clocks(const Correlation& c, double time) { return fmt::format("{:+.2f}", clocks(c, time)); }

double points_rate(std::uint64_t bytes, const BandwidthPoint& point) {
  return static_cast<double>(bytes) / ns(static_cast<double>(point.end - point.begin));  // GB/s
}

/// name, requests, then mean, p50, p95 and worst in ns, mean in clocks, relative.
std::vector<std::string> error_row(const Correlation& c, const std::string& name, const ErrorStatistics& s) {
  return {name,
          human_count(s.count),
          signed_ns(s.mean),
          signed_ns(static_cast<double>(s.p50)),
          fmt::format("{:.3f}", ns(static_cast<double>(s.p95))),
          signed_ns(static_cast<double>(s.worst)),
          signed_clocks(c, s.mean),
          signed_clocks(c, static_cast<double>(s.worst)),
          fmt::format("{:+.2f} %", 100 * s.relative())};
}

std::vector<std::vector<std::string>> error_rows(const Correlation& c) {
  std::vector<std::vector<std::string>> rows{error_row(c, "all", c.all)};
  for (std::size_t k = 0; k < kRequestClasses; ++k)
    if (c.by_class[k].count > 0) rows.push_back(error_row(c, name_of(static_cast<RequestClass>(k)), c.by_class[k]));
  return rows;
}

std::vector<std::vector<std::string>> class_rows(const Correlation& c) {
  std::vector<std::vector<std::string>> rows;
  for (const ClassResult& r : c.classes)
    rows.push_back({fmt::format("{} {}s", name_of(r.what), name_of(r.op)), human_count(r.errors.count),
                    human_count(r.undelayed), human_count(r.agreeing),
                    r.offset ? signed_clocks(c, *r.offset) : std::string("?")});
  return rows;
}

const std::vector<std::string> kErrorHeads{"class",     ">requests", ">mean ns",  ">p50 ns", ">p95 |ns|",
                                           ">worst ns", ">mean CK",  ">worst CK", ">mean"};
const std::vector<std::string> kClassHeads{"class", ">requests", ">undelayed", ">agreeing", ">offset CK"};

std::string text_table(std::vector<std::string> heads, const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::size_t> widths;
  for (std::string& head : heads) {
    if (head[0] == '>') head.erase(0, 1);
    widths.push_back(head.size());
  }
  for (const auto& row : rows)
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  std::string text;
  const auto line = [&](const std::vector<std::string>& cells) {
    text += fmt::format("  {:<{}}", cells[0], widths[0]);
    for (std::size_t i = 1; i < cells.size(); ++i) text += fmt::format("  {:>{}}", cells[i], widths[i]);
    text += '\n';
  };
  line(heads);
  for (const auto& row : rows) line(row);
  return text;
}

std::string counted(const Correlation& c) {
  std::string text = fmt::format("{} requests compared", human_count(c.pairs.size()));
  const auto add = [&](std::uint64_t count, const char* what) {
    if (count > 0) text += fmt::format("; {} {}", human_count(count), what);
  };
  add(c.unanswered_reference, "without a latency in the reference");
  add(c.unanswered_ours, "without a latency here");
  add(c.unmatched_reference.size(), "only in the reference");
  add(c.unmatched_ours.size(), "only here");
  return text;
}

std::string divergence_words(const Correlation& c) {
  const std::string band = fmt::format("{} ns ({:.2f} CK)", exact_ns(c.band), clocks(c, static_cast<double>(c.band)));
  if (!c.divergence) return fmt::format("none: never {} requests in a row off by more than {}", c.band_requests, band);
  const Divergence& d = *c.divergence;
  return fmt::format("request {} of {}, off by {} ns ({} CK); {} in a row are off by more than {}", d.pair + 1,
                     c.pairs.size(), signed_ns(static_cast<double>(d.error)),
                     signed_clocks(c, static_cast<double>(d.error)), human_count(d.length), band);
}

std::string suspect_words(const Correlation& c, const Suspect& s) {
  return fmt::format("{} ({}): {} CK, {} ns, on {} requests: {}", s.stage, s.parameter, signed_clocks(c, s.amount),
                     signed_ns(s.amount), human_count(s.support), s.because);
}

std::string bandwidth_words(const Correlation& c) {
  const double ratio = c.reference_bandwidth == 0 ? 0 : c.our_bandwidth / c.reference_bandwidth - 1;
  return fmt::format("{} here, {} in the reference ({:+.2f} %)", human_rate(c.our_bandwidth),
                     human_rate(c.reference_bandwidth), 100 * ratio);
}

Json error_json(const Correlation& c, const ErrorStatistics& s) {
  Json json;
  json["requests"] = s.count;
  if (s.count == 0) return json;
  json["mean_ns"] = ns(s.mean);
  json["mean_clocks"] = clocks(c, s.mean);
  json["mean_relative"] = s.relative();
  json["mean_absolute_ns"] = ns(s.magnitude);
  json["p50_ns"] = to_ns(s.p50);
  json["p50_clocks"] = clocks(c, static_cast<double>(s.p50));
  json["p95_absolute_ns"] = to_ns(s.p95);
  json["p95_absolute_clocks"] = clocks(c, static_cast<double>(s.p95));
  json["worst_ns"] = to_ns(s.worst);
  json["worst_clocks"] = clocks(c, static_cast<double>(s.worst));
  json["our_latency_mean_ns"] = ns(s.our_mean);
  json["reference_latency_mean_ns"] = ns(s.reference_mean);
  return json;
}

std::string plot(const Correlation& c) {
  if (c.bandwidth.empty()) return "";
  constexpr double kHeight = 260, kLeft = 70, kTop = 12, kBottom = 30;
  double most = 0;
  for (const BandwidthPoint& p : c.bandwidth)
    most = std::max({most, points_rate(p.our_bytes, p), points_rate(p.reference_bytes, p)});
  if (most <= 0) return "";
  Drawing drawing(kHeight, "bandwidth over time");
  const double begin = static_cast<double>(c.bandwidth.front().begin);
  const double span = static_cast<double>(c.bandwidth.back().end) - begin;
  const auto x = [&](double t) { return kLeft + (t - begin) / span * (kPage - kLeft - 10); };
  const auto y = [&](double rate) { return kTop + (1 - rate / most) * (kHeight - kTop - kBottom); };
  for (int i = 0; i <= 4; ++i) {
    const double rate = most * i / 4;
    drawing.box(kLeft, y(rate), kPage - kLeft - 10, 0.5, "#e4e7eb", "");
    drawing.label(kLeft - 8, y(rate) + 4, fmt::format("{:.1f}", rate), "end");
  }
  std::vector<std::pair<double, double>> ours, reference;
  for (const BandwidthPoint& p : c.bandwidth) {
    const double middle = x((static_cast<double>(p.begin) + static_cast<double>(p.end)) / 2);
    ours.emplace_back(middle, y(points_rate(p.our_bytes, p)));
    reference.emplace_back(middle, y(points_rate(p.reference_bytes, p)));
  }
  drawing.line(reference, kOther, "reference");
  drawing.line(ours, kData, "simulation");
  drawing.label(kLeft, kHeight - 8, human_time(begin));
  drawing.label(kPage - 10, kHeight - 8, human_time(begin + span), "end");
  return legend({{"simulation, GB/s", kData}, {"reference, GB/s", kOther}}) + drawing.done();
}

constexpr const char* kUndelayedNote =
    "Undelayed requests met nothing in our memory but what their class is named after; the offset is the median of "
    "their "
    "errors where they agree within a clock.";

}  // namespace

std::string correlation_text(const Correlation& c, const CorrelationTitle& title) {
  std::string text = fmt::format("{} against {}\n{}\n\n", title.platform, title.reference, counted(c));
  if (c.pairs.empty()) return text + c.verdict + "\n";
  text += "Error of latency, ours - the reference's\n" + text_table(kErrorHeads, error_rows(c));
  text += fmt::format("\nBandwidth: {}\n", bandwidth_words(c));
  text += fmt::format("First sustained divergence: {}\n", divergence_words(c));
  text += "\nUndelayed requests, by what they met\n" + text_table(kClassHeads, class_rows(c));
  text += fmt::format("\n{}\n", c.verdict);
  for (const Suspect& s : c.suspects) text += "  " + suspect_words(c, s) + "\n";
  return text;
}

std::string correlation_json(const Correlation& c, const CorrelationTitle& title) {
  Json json;
  json["schema"] = "cowosim-correlation/1";
  json["platform"] = title.platform;
  json["reference"] = title.reference;
  json["map"] = title.map;
  json["clock_ns"] = to_ns(c.clock);
  json["matched"] = c.pairs.size() + c.unanswered.size();
  json["compared"] = c.pairs.size();
  json["unanswered"] = {{"ours", c.unanswered_ours}, {"reference", c.unanswered_reference}};
  json["unmatched"] = {{"ours", c.unmatched_ours.size()}, {"reference", c.unmatched_reference.size()}};
  json["error"] = error_json(c, c.all);
  for (std::size_t k = 0; k < kRequestClasses; ++k)
    json["classes"][name_of(static_cast<RequestClass>(k))] = error_json(c, c.by_class[k]);
  json["undelayed"] = Json::array();
  for (const ClassResult& r : c.classes) {
    Json entry{{"class", name_of(r.what)},
               {"op", name_of(r.op)},
               {"requests", r.errors.count},
               {"undelayed", r.undelayed},
               {"agreeing", r.agreeing}};
    entry["offset_clocks"] = r.offset ? Json(clocks(c, *r.offset)) : Json();
    entry["offset_ns"] = r.offset ? Json(ns(*r.offset)) : Json();
    json["undelayed"].push_back(std::move(entry));
  }
  json["bandwidth"] = {{"ours_GBps", c.our_bandwidth / 1e9}, {"reference_GBps", c.reference_bandwidth / 1e9}};
  json["bandwidth"]["over_time"] = Json::array();
  for (const BandwidthPoint& p : c.bandwidth)
    json["bandwidth"]["over_time"].push_back({{"begin_ns", to_ns(p.begin)},
                                              {"end_ns", to_ns(p.end)},
                                              {"ours_GBps", points_rate(p.our_bytes, p)},
                                              {"reference_GBps", points_rate(p.reference_bytes, p)}});
  Json divergence;
  divergence["band_ns"] = to_ns(c.band);
  divergence["requests"] = c.band_requests;
  divergence["found"] = c.divergence.has_value();
  if (c.divergence) {
    divergence["at"] = c.divergence->pair + 1;
    divergence["error_ns"] = to_ns(c.divergence->error);
    divergence["length"] = c.divergence->length;
  }
  json["divergence"] = std::move(divergence);
  json["verdict"] = c.verdict;
  json["suspects"] = Json::array();
  for (const Suspect& s : c.suspects)
    json["suspects"].push_back({{"stage", s.stage},
                                {"parameter", s.parameter},
                                {"amount_clocks", clocks(c, s.amount)},
                                {"amount_ns", ns(s.amount)},
                                {"requests", s.support},
                                {"because", s.because}});
  return json.dump(2) + "\n";
}

std::string correlation_csv(const Correlation& c, const std::vector<SimulatedRequest>& ours,
                            const std::vector<MeasuredRequest>& reference) {
  std::string text =
      "line,id,master,op,address,bytes,begin_ns,our_latency_ns,reference_latency_ns,error_ns,error_clocks,class,row,"
      "undelayed,outcome\n";
  const auto line = [&](const MeasuredRequest* r, const SimulatedRequest* s, const std::string& begin,
                        const std::string& latencies, const char* outcome) {
    const auto common = [&](const auto& request) {
      return fmt::format("{},{},{},{:#x},{}", csv_field(request.id), csv_field(request.master),
                         request.op == Op::write ? "W" : "R", request.address, request.bytes);
    };
    text += fmt::format("{},{},{},{},", r != nullptr ? std::to_string(r->line) : "",
                        r != nullptr ? common(*r) : common(*s), begin, latencies);
    if (s != nullptr) {
      text += fmt::format("{},{},{}", name_of(s->dram.what), name_of(s->dram.row), s->dram.undelayed ? 1 : 0);
    } else {
      text += ",,";
    }
    text += fmt::format(",{}\n", outcome);
  };
  const auto at = [](Time t) { return t == kNotMeasured ? std::string() : exact_ns(t); };
  for (const MatchedRequest& pair : c.pairs)
    line(&reference[pair.reference], &ours[pair.ours], exact_ns(ours[pair.ours].begin),
         fmt::format("{},{},{},{:.3f}", exact_ns(pair.our_latency), exact_ns(pair.reference_latency),
                     exact_ns(pair.error()), clocks(c, static_cast<double>(pair.error()))),
         "compared");
  for (const auto& [mine, its] : c.unanswered)
    line(&reference[its], &ours[mine], at(ours[mine].begin), ",,,", "unanswered");
  for (const std::size_t i : c.unmatched_reference)
    line(&reference[i], nullptr, at(reference[i].issue), ",,,", "reference_only");
  for (const std::size_t i : c.unmatched_ours) line(nullptr, &ours[i], at(ours[i].begin), ",,,", "ours_only");
  return text;
}

std::string correlation_html(const Correlation& c, const CorrelationTitle& title) {
  std::string html = html_head(fmt::format("{} against {}", title.platform, title.reference));
  html += fmt::format("<p class=\"answer\">{}</p>\n<p>{}.</p>\n", escaped(c.verdict), escaped(counted(c)));
  std::string suspects;
  for (const Suspect& s : c.suspects) suspects += fmt::format("<p>{}</p>\n", escaped(suspect_words(c, s)));
  html += section("Suspected", "", suspects);
  if (!c.pairs.empty()) {
    html += section("Error of latency", "Ours - the reference's.", table(kErrorHeads, error_rows(c)));
    html += section("Bandwidth over time", bandwidth_words(c), plot(c));
    html += section("First sustained divergence", "", fmt::format("<p>{}</p>\n", escaped(divergence_words(c))));
    html += section("Undelayed requests", kUndelayedNote, table(kClassHeads, class_rows(c)));
  }
  html +=
      "<footer><p>Numbers in <a href=\"correlate.json\">correlate.json</a>, requests in <a "
      "href=\"requests.csv\">requests.csv</a>; our side is a run: <a href=\"config.yaml\">config.yaml</a>, <a "
      "href=\"results.json\">results.json</a>.</p></footer>\n</body></html>\n";
  return html;
}

}  // namespace cowosim::telemetry
