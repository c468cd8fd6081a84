#include "fabric/die_to_die/die_to_die.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "core/nearest.h"
#include "core/units.h"
#include "fabric/link.h"

namespace cowosim::fabric {

namespace {

constexpr double kGiga = 1e9;
/// Up to here UCIe's lanes need no retry ([S] raw errors below 1e-27).
constexpr double kFastestWithoutRetry = 8 * kGiga;
constexpr double kErrorsWithoutRetry = 1e-27;
/// Bytes per second; a link outside is a slip of the pen.
constexpr double kSlowest = 1e6, kFastest = 1e15;

/// GB/s of both directions per mm of die edge at 32 GT/s.
constexpr double kAdvancedDensity = 1317;  // [S] 45 um bumps; [P] up to 1.3 TB/s/mm
constexpr double kStandardDensity = 224;   // [P]
constexpr double kDensityRate = 32;        // Gb/s of a lane

/// What only UCIe limits.
struct Ucie {
  const char* standard;
  std::vector<int> widths;
  double reach;    // mm
  double density;  // GB/s/mm
  int widest;
  double energy, energy_fast;  // pJ/bit, up to and above 16 GT/s [P]
  int spares_per_32;
};

const Ucie* find_ucie(const std::string& standard) {
  static const std::vector<Ucie> all = {
      {"ucie_advanced", {32, 64}, 2, kAdvancedDensity, 64, 0.25, 0.3, 2},  // reach [M]; spare lanes [P] UCIe 1.1, 4.3.1
      {"ucie_standard", {16}, 25, kStandardDensity, 16, 0.5, 0.6, 0},      // reach [S]
  };
  for (const Ucie& ucie : all)
    if (standard == ucie.standard) return &ucie;
  return nullptr;
}

const std::vector<double>& ucie_rates() {
  static const std::vector<double> rates = {4e9, 8e9, 12e9, 16e9, 24e9, 32e9, 48e9, 64e9};
  return rates;
}

/// "4Gb/s, 8Gb/s, ..."
std::string texts_of(const std::vector<double>& rates) {
  std::vector<std::string> texts;
  for (const double rate : rates) texts.push_back(format_quantity(rate, Unit::data_rate));
  return enumerate(texts);
}

std::string texts_of(const std::vector<int>& numbers) {
  std::vector<std::string> texts;
  for (const int number : numbers) texts.push_back(std::to_string(number));
  return enumerate(texts);
}

double raw_bytes(const DieToDieParams& p) {
  return p.bandwidth > 0 ? static_cast<double>(p.bandwidth) : p.data_rate * lanes(p) / 8;
}

/// Lanes of the module that loses some.
int width_left(const DieToDieParams& p) {
  const int lost = std::max(0, p.lanes_lost - p.spare_lanes);
  if (lost == 0) return p.width;
  if (p.degrade == "half") return lost <= p.width / 2 ? p.width / 2 : 0;
  return std::max(0, p.width - lost);
}

std::int64_t share(std::int64_t bandwidth, std::int64_t part, std::int64_t whole) {
  return static_cast<std::int64_t>(static_cast<__int128>(bandwidth) * part / whole);
}

const FlitFormat& format_of(const DieToDieParams& p) {
  const FlitFormat* format = find_flit_format(p.format);
  if (format == nullptr) throw std::invalid_argument("unknown flit format '" + p.format + "'");
  return *format;
}

template <class T>
bool holds(const std::vector<T>& list, const T& value) {
  return std::find(list.begin(), list.end(), value) != list.end();
}

}  // namespace

const std::vector<FlitFormat>& flit_formats() {
  // [S] sizes; payload of the halves: assumption [232 B, 250 B]: as the standard 256-byte flit's.
  static const std::vector<FlitFormat> formats = {
      {"raw", 64, 64, 0},
      {"flit_68", 68, 64, 68},
      {"flit_256", 256, 236, 256},
      {"flit_256_latency_optimised", 256, 236, 128},
  };
  return formats;
}

const FlitFormat* find_flit_format(const std::string& name) {
  for (const FlitFormat& format : flit_formats())
    if (name == format.name) return &format;
  return nullptr;
}

const std::vector<std::string>& flit_format_names() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> all;
    for (const FlitFormat& format : flit_formats()) all.emplace_back(format.name);
    return all;
  }();
  return names;
}

const std::vector<std::string>& die_to_die_standards() {
  static const std::vector<std::string> names = {"ucie_advanced",   "ucie_standard", "nv_hbi",
                                                 "infinity_fabric", "hbm_phy",       "generic"};
  return names;
}

DieToDieParams::DieToDieParams(const std::string& standard_name) : standard(standard_name) {
  if (const Ucie* ucie = find_ucie(standard)) {
    data_rate = kDensityRate * kGiga;
    width = ucie->widest;
    format = "flit_256";
    latency = 2 * kNanosecond;
    wire = standard == "ucie_advanced" ? "fine" : "substrate";
    length = standard == "ucie_advanced" ? 1 : 10;
  } else if (standard == "nv_hbi" || standard == "infinity_fabric") {
    bandwidth = standard == "nv_hbi" ? 5'000'000'000'000 : 1'500'000'000'000;
    latency = 2500 * kPicosecond;
    wire = "fine";
    length = 1;
  } else if (standard == "hbm_phy") {
    const LinkParams phy;
    width = 64;
    modules = 16;
    data_rate = static_cast<double>(phy.bandwidth) * 8 / width;
    latency = phy.latency_down;
  }
  take_defaults();
}

void DieToDieParams::take_defaults() {
  if (const WireKind* kind = find_wire_kind(wire)) {
    resistance = kind->resistance;
    capacitance = kind->capacitance;
  }
  if (const Ucie* ucie = find_ucie(standard)) {
    bit_error_rate = data_rate <= kFastestWithoutRetry ? kErrorsWithoutRetry : data_rate < 64 * kGiga ? 1e-15 : 1e-12;
    energy_per_bit = data_rate <= 16 * kGiga ? ucie->energy : ucie->energy_fast;
    shoreline = 2 * ucie->widest * kDensityRate / 8 / ucie->density;
    spare_lanes = width / 32 * ucie->spares_per_32;
  } else if (standard == "nv_hbi" || standard == "infinity_fabric") {
    energy_per_bit = 0.25;
    shoreline = 2 * static_cast<double>(bandwidth) / kGiga / kAdvancedDensity / modules;  // of one
  } else if (standard == "hbm_phy") {
    energy_per_bit = LinkParams().energy_per_bit;
    shoreline = 0.5;  // of a channel: 8 mm a stack
  }
}

std::vector<ParameterProblem> problems(const DieToDieParams& p) {
  std::vector<ParameterProblem> found;
  const auto require = [&](bool ok, const char* parameter, std::string otherwise) {
    if (!ok) found.push_back({parameter, std::move(otherwise)});
  };
  const auto known = [&](const std::string& value, const std::vector<std::string>& all, const char* parameter) {
    require(holds(all, value), parameter,
            fmt::format("there is no '{}'{}; there are {}", value, did_you_mean(value, all), enumerate(all)));
  };
  known(p.standard, die_to_die_standards(), "standard");
  known(p.format, flit_format_names(), "format");
  known(p.wire, wire_kind_names(), "wire");
  known(p.degrade, DieToDieParams::degrades(), "degrade");
  if (!found.empty()) return found;

  const std::string rate = format_quantity(p.data_rate, Unit::data_rate);
  if (const Ucie* ucie = find_ucie(p.standard)) {
    require(holds(ucie_rates(), p.data_rate), "data_rate",
            fmt::format("{} is no data rate of UCIe; it has {}", rate, texts_of(ucie_rates())));
    require(holds(ucie->widths, p.width), "width",
            fmt::format("a module of {} has {} lanes, not {}", p.standard, texts_of(ucie->widths), p.width));
    require(holds({1, 2, 4}, p.modules), "modules",
            fmt::format("a UCIe link has 1, 2 or 4 modules, not {}", p.modules));
    require(p.length <= ucie->reach, "length",
            fmt::format("{} reaches {}, not {}{}", p.standard, format_quantity(ucie->reach, Unit::length),
                        format_quantity(p.length, Unit::length),
                        p.standard == "ucie_advanced" ? "; ucie_standard reaches 25mm" : ""));
    require(p.bandwidth == 0, "bandwidth",
            "of UCIe follows from modules x width x data_rate; leave it out, or take standard generic");
  } else {
    require(p.data_rate > 0 || p.bandwidth > 0, "bandwidth",
            fmt::format("{} needs bandwidth, or data_rate and width of its lanes", p.standard));
    require(p.data_rate == 0 || p.bandwidth == 0, "bandwidth",
            fmt::format("data_rate ({}) says it already; set one of the two to 0", rate));
  }
  if (found.empty()) {
    const double raw = raw_bytes(p);
    require(raw >= kSlowest && raw <= kFastest, p.bandwidth > 0 ? "bandwidth" : "data_rate",
            fmt::format("makes a link of {:g} B/s; {:g} to {:g} would be a link", raw, kSlowest, kFastest));
  }

  if (format_of(p).check_bytes == 0) {
    constexpr const char* kRight =
        "raw has no CRC to find errors with; take flit_68, flit_256 or "
        "flit_256_latency_optimised";
    if (find_ucie(p.standard) != nullptr && p.data_rate > kFastestWithoutRetry) {
      require(false, "format",
              fmt::format("UCIe needs CRC and retry above {}, and {}",
                          format_quantity(kFastestWithoutRetry, Unit::data_rate), kRight));
    } else {
      require(p.bit_error_rate <= kErrorsWithoutRetry, "bit_error_rate",
              fmt::format("{:g} needs retry, and {}", p.bit_error_rate, kRight));
    }
  }
  require(p.lanes_lost <= p.width + p.spare_lanes && lanes_left(p) > 0, "lanes_lost",
          fmt::format("{} lanes lost leave nothing: a module has {} and {} spare ones, degrade is {}", p.lanes_lost,
                      p.width, p.spare_lanes, p.degrade));
  return found;
}

std::int64_t raw_bandwidth(const DieToDieParams& p) {
  return p.bandwidth > 0 ? p.bandwidth : static_cast<std::int64_t>(raw_bytes(p));
}

double efficiency(const FlitFormat& format) { return static_cast<double>(format.payload) / format.bytes; }

std::int64_t payload_bandwidth(const DieToDieParams& p) {
  const FlitFormat& format = format_of(p);
  return share(raw_bandwidth(p), format.payload, format.bytes);
}

Time check_latency(const DieToDieParams& p, int flit_bytes) {
  const Time all = transfer_time(format_of(p).check_bytes, raw_bandwidth(p));
  return std::max<Time>(0, all - transfer_time(flit_bytes, payload_bandwidth(p)));
}

Time one_way_latency(const DieToDieParams& p, int flit_bytes) {
  return p.latency + p.crossing_latency + flight_time(p.length, p.resistance, p.capacitance, p.permittivity) +
         check_latency(p, flit_bytes);
}

Time replay_latency(const DieToDieParams& p, int flit_bytes) {
  if (format_of(p).check_bytes == 0) return 0;
  return 2 * one_way_latency(p, flit_bytes) + transfer_time(flit_bytes, payload_bandwidth(p));
}

int lanes(const DieToDieParams& p) { return p.modules * p.width; }
int lanes_left(const DieToDieParams& p) { return (p.modules - 1) * p.width + width_left(p); }

double shoreline_mm(const DieToDieParams& p) { return p.modules * p.shoreline; }

Channel channel_of(const DieToDieParams& p, int flit_bytes) {
  if (const std::vector<ParameterProblem> wrong = problems(p); !wrong.empty())
    throw std::invalid_argument(wrong.front().parameter + ": " + wrong.front().message);
  const FlitFormat& format = format_of(p);
  const double framed = 1 / efficiency(format);  // bits on the lanes for each of the payload
  Channel channel;
  channel.bandwidth = payload_bandwidth(p);
  channel.latency = one_way_latency(p, flit_bytes);
  channel.energy_per_bit = p.energy_per_bit * framed;
  if (format.check_bytes > 0) channel.bit_error_rate = -std::expm1(framed * std::log1p(-p.bit_error_rate));
  channel.replay_latency = replay_latency(p, flit_bytes);
  if (lanes_left(p) < lanes(p)) {
    channel.degraded_at = p.lost_at;
    channel.degraded_bandwidth = std::max<std::int64_t>(1, share(channel.bandwidth, lanes_left(p), lanes(p)));
  }
  return channel;
}

double corrupted_probability(double bit_error_rate, int bits) {
  return -std::expm1(bits * std::log1p(-bit_error_rate));
}

}  // namespace cowosim::fabric
