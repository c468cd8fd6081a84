#include "core/memory_map.h"

#include <fmt/core.h>

#include <algorithm>
#include <numeric>
#include <set>
#include <sstream>
#include <stdexcept>

#include "core/nearest.h"
#include "core/transaction.h"
#include "core/units.h"

namespace cowosim {

namespace {

using Problems = std::vector<ParameterProblem>;

/// What is wrong with a text and what would be right; whoever asked for it to be read says which one.
struct Wrong {
  std::string message;
};

constexpr bool is_power_of_two(std::int64_t n) { return n > 0 && (n & (n - 1)) == 0; }
constexpr std::uint64_t bit(unsigned n) { return std::uint64_t{1} << n; }

unsigned log2_of(std::uint64_t n) {
  unsigned bits = 0;
  while (bit(bits) < n) ++bits;
  return bits;
}

const std::vector<std::string> kFields = {"row",    "sid",         "bank",       "bank_group", "pseudo_channel",
                                          "column", "column_high", "column_low", "offset"};

/// Number of values of a field.
std::int64_t values_of(const std::string& field, const MemoryGeometry& g, int column_low_bits) {
  if (field == "row") return g.rows;
  if (field == "sid") return g.sids;
  if (field == "bank") return g.banks;
  if (field == "bank_group") return g.bank_groups;
  if (field == "pseudo_channel") return g.pseudo_channels;
  if (field == "column") return g.columns;
  if (field == "column_low") return std::int64_t{1} << column_low_bits;
  if (field == "column_high") return g.columns >> column_low_bits;
  return kAtomBytes;
}

void check_numbers(const MemoryGeometry& g, const MemoryMapOptions& o, Problems& problems) {
  struct Limit {
    const char* name;
    int value, limit;
  };
  for (const auto& [name, value, limit] : {Limit{"stacks", g.stacks, 256}, Limit{"channels", g.channels, 64},
                                           Limit{"pseudo_channels", g.pseudo_channels, 2}, Limit{"sids", g.sids, 4},
                                           Limit{"bank_groups", g.bank_groups, 16}, Limit{"banks", g.banks, 16},
                                           Limit{"rows", g.rows, 1 << 20}, Limit{"columns", g.columns, 1 << 12}}) {
    if (value < 1 || value > limit) problems.push_back({name, fmt::format("is {}, must be 1..{}", value, limit)});
  }
  if (!is_power_of_two(o.granule) || o.granule < static_cast<std::int64_t>(kAtomBytes))
    problems.push_back({"interleave_granule",
                        fmt::format("is {} bytes, must be a power of two of at least {}", o.granule, kAtomBytes)});
  if (o.interleave != "channel" && o.interleave != "pseudo_channel")
    problems.push_back({"interleave", "is '" + o.interleave + "', must be channel or pseudo_channel"});
}

void check_fields(const MemoryGeometry& g, const MemoryMapOptions& o, Problems& problems) {
  const auto wrong = [&](std::string message) { problems.push_back({"address_map", std::move(message)}); };
  const auto count = [&](const std::string& name) { return std::count(o.fields.begin(), o.fields.end(), name); };
  for (const std::string& field : o.fields) {
    if (std::find(kFields.begin(), kFields.end(), field) == kFields.end())
      wrong("unknown field '" + field + "'" + did_you_mean(field, kFields) + "; must be one of " + enumerate(kFields));
  }
  if (!problems.empty()) return;
  for (const std::string& name : kFields) {
    if (count(name) > 1) wrong("field '" + name + "' occurs twice");
  }
  if (o.fields.empty() || o.fields.back() != "offset") wrong("the last field must be offset");
  const bool split = count("column_high") + count("column_low") > 0;
  if (split && (count("column") > 0 || count("column_high") != 1 || count("column_low") != 1))
    wrong("column is given either whole or as column_high and column_low");
  if (o.column_low_bits < 0 || o.column_low_bits > 12 || (split && g.columns % (1 << o.column_low_bits) != 0))
    problems.push_back(
        {"column_low_bits",
         fmt::format("is {}, but {} columns are no multiple of 2 to the power of that", o.column_low_bits, g.columns)});
  for (const char* name : {"row", "sid", "bank", "bank_group", "pseudo_channel", "column"}) {
    const std::int64_t values = values_of(name, g, 0);
    if (count(name) == 0 && values > 1 && !(split && std::string(name) == "column"))
      wrong(fmt::format("field '{}' is missing and has {} values", name, values));
  }
  if (o.bank_hash &&
      !(is_power_of_two(g.banks) && is_power_of_two(g.bank_groups) && is_power_of_two(g.pseudo_channels)))
    problems.push_back({"bank_hash", "needs powers of two of banks, bank groups and pseudo-channels; must be false"});
}

/// A field's place in the address of a unit, spread out to whole bits, and in the packed location. Bits of a local
/// address count from 0 including those of the offset.
struct Cut {
  std::string name;
  std::int64_t values;
  unsigned shift, bits, packed;
};

/// "bank_group[0]" of a bit of the local address.
std::string name_of_bit(const std::vector<Cut>& cuts, unsigned local) {
  for (const Cut& cut : cuts) {
    if (local >= cut.shift && local < cut.shift + cut.bits) return fmt::format("{}[{}]", cut.name, local - cut.shift);
  }
  return fmt::format("address[{}]", local);
}

/// One hash, bit by bit: local bit targets[i] ^= XOR of local bits sources[..][i].
struct Hash {
  std::vector<unsigned> targets;
  std::vector<std::vector<unsigned>> sources;
};

/// Reads "TARGET ^= SOURCE ^ SOURCE ...".
class HashReader {
 public:
  HashReader(const std::string& text, const std::vector<Cut>& cuts) : text_(text), cuts_(cuts) {}

  /// Throws Wrong.
  Hash read() {
    Hash hash{read_bits(true), {}};
    expect("^=");
    do {
      const std::vector<unsigned> source = read_bits(false);
      if (source.size() != hash.targets.size())
        throw Wrong{fmt::format("{} gives {} bits, and the target has {}; give as many", name_, source.size(),
                                hash.targets.size())};
      hash.sources.push_back(source);
    } while (accept("^"));
    if (skip() < text_.size()) expected("nothing more");
    return hash;
  }

 private:
  [[noreturn]] void expected(const std::string& what) {
    const std::string rest = text_.substr(skip());
    throw Wrong{fmt::format("expected {} {}; write TARGET ^= SOURCE ^ SOURCE, such as bank_group[0] ^= row[0] ^ row[2]",
                            what, rest.empty() ? "at its end" : "before '" + rest + "'")};
  }
  std::size_t skip() {
    while (at_ < text_.size() && text_[at_] == ' ') ++at_;
    return at_;
  }
  bool accept(const std::string& token) {
    if (text_.compare(skip(), token.size(), token) != 0) return false;
    at_ += token.size();
    return true;
  }
  void expect(const std::string& token) {
    if (!accept(token)) expected("'" + token + "'");
  }
  std::string take(const char* characters) {
    const std::size_t from = skip();
    at_ = std::min(text_.find_first_not_of(characters, from), text_.size());
    return text_.substr(from, at_ - from);
  }
  unsigned read_index() {
    const std::string digits = take("0123456789");
    if (digits.empty() || digits.size() > 3) expected("the number of a bit");
    return static_cast<unsigned>(std::stoi(digits));
  }

  /// Bits of the local address, lowest first.
  std::vector<unsigned> read_bits(bool target) {
    name_ = take("abcdefghijklmnopqrstuvwxyz_");
    if (name_.empty()) expected("a field");
    const Cut cut = find(target);
    unsigned first = 0, last = cut.bits - 1;
    if (accept("[")) {
      first = last = read_index();
      if (accept(":")) last = read_index();
      expect("]");
    } else if (name_ == "address") {
      expected("'[': the numbers of its bits");
    }
    if (first > last) throw Wrong{fmt::format("{}[{}:{}] is empty; the lowest bit comes first", name_, first, last)};
    if (last >= cut.bits) throw Wrong{fmt::format("there is no {}[{}]; its bits are 0..{}", name_, last, cut.bits - 1)};
    std::vector<unsigned> bits(last - first + 1);
    std::iota(bits.begin(), bits.end(), cut.shift + first);
    if (name_ == "address") check_address_bits(first, last);
    return bits;
  }

  Cut find(bool target) const {
    std::vector<std::string> names;
    for (const Cut& cut : cuts_) {
      if (cut.name == "offset" || cut.bits == 0) continue;
      names.push_back(cut.name);
      if (cut.name != name_) continue;
      if (target && !is_power_of_two(cut.values))
        throw Wrong{fmt::format("{} cannot be a target: {} values are no power of two", name_, cut.values)};
      return cut;
    }
    if (!target) names.push_back("address");
    if (!target && name_ == "address") return {name_, 0, 0, cuts_.back().shift + cuts_.back().bits, 0};
    throw Wrong{fmt::format("there is no {} '{}'{}; there are {}", target ? "target" : "source", name_,
                            did_you_mean(name_, names), enumerate(names))};
  }

  /// The bytes of one access stay together, and above a number of values that is no power of two there are no bits.
  void check_address_bits(unsigned first, unsigned last) const {
    const unsigned lowest = log2_of(kAtomBytes);
    if (first < lowest)
      throw Wrong{fmt::format("address[{}] is in the offset; the lowest bit to use is address[{}]", first, lowest)};
    for (const Cut& cut : cuts_) {
      if (is_power_of_two(cut.values) || last < cut.shift) continue;
      throw Wrong{fmt::format("address[{}] is in or above {}, whose {} values are no bits; use bits of fields instead",
                              last, cut.name, cut.values)};
    }
  }

  const std::string& text_;
  const std::vector<Cut>& cuts_;
  std::size_t at_ = 0;
  std::string name_;
};

/// A square matrix over GF(2): row i is the set of input bits whose XOR is output bit i.
using Rows = std::vector<std::uint64_t>;

/// Gauss and Jordan: the inverse's rows; or, where there is none, only one row: output bits whose XOR is always 0.
std::pair<bool, Rows> inverse_of(Rows rows) {
  Rows inverse(rows.size());
  for (unsigned i = 0; i < rows.size(); ++i) inverse[i] = bit(i);
  unsigned rank = 0;
  for (unsigned column = 0; column < rows.size(); ++column) {
    unsigned pivot = rank;
    while (pivot < rows.size() && (rows[pivot] & bit(column)) == 0) ++pivot;
    if (pivot == rows.size()) continue;
    std::swap(rows[pivot], rows[rank]);
    std::swap(inverse[pivot], inverse[rank]);
    for (unsigned i = 0; i < rows.size(); ++i)
      if (i != rank && (rows[i] & bit(column)) != 0) rows[i] ^= rows[rank], inverse[i] ^= inverse[rank];
    ++rank;
  }
  if (rank == rows.size()) return {true, inverse};
  return {false, {inverse.back()}};
}

/// The listed hashes as rows over bits of the local address, the offset's among them.
Rows rows_of(const std::vector<std::string>& texts, const std::vector<Cut>& cuts, Problems& problems) {
  Rows rows(cuts.back().shift + cuts.back().bits);
  for (unsigned i = 0; i < rows.size(); ++i) rows[i] = bit(i);
  for (const std::string& text : texts) {
    try {
      const Hash hash = HashReader(text, cuts).read();
      for (const auto& source : hash.sources) {
        for (std::size_t i = 0; i < source.size(); ++i) {
          std::uint64_t& row = rows[hash.targets[i]];
          if ((row & bit(source[i])) != 0)
            throw Wrong{fmt::format("{} is in {} already, and twice cancels; name it once",
                                    name_of_bit(cuts, source[i]), name_of_bit(cuts, hash.targets[i]))};
          row |= bit(source[i]);
        }
      }
    } catch (const Wrong& wrong) {
      problems.push_back({"hashes", "'" + text + "': " + wrong.message});
    }
  }
  if (!problems.empty() || inverse_of(rows).first) return rows;
  const std::uint64_t dependent = inverse_of(rows).second.front();
  std::string sum, guilty;
  for (unsigned i = 0; i < rows.size(); ++i)
    if ((dependent & bit(i)) != 0) sum += (sum.empty() ? "" : " ^ ") + name_of_bit(cuts, i);
  for (const std::string& text : texts) {
    for (const unsigned target : HashReader(text, cuts).read().targets) {
      if ((dependent & bit(target)) == 0) continue;
      guilty += (guilty.empty() ? "'" : "', '") + text;
      break;
    }
  }
  problems.push_back(
      {"hashes", fmt::format("{}' would put two addresses at one place: {} would always be 0; take sources "
                             "that no hash changes, such as row bits",
                             guilty, sum)});
  return rows;
}

/// Stacks named by numbers and ranges, in order; all, if none is named. Throws Wrong.
std::vector<int> stacks_of(const std::vector<std::string>& texts, int stacks) {
  std::set<int> result;
  const auto index = [&](const std::string& text, const std::string& whole) {
    std::string error;
    const auto value = parse_integer(text, Unit::none, error);
    if (!value) throw Wrong{"'" + whole + "' is no stack; write numbers or ranges, such as 0..3"};
    if (*value < 0 || *value >= stacks)
      throw Wrong{fmt::format("there is no stack {}; must be 0..{}", *value, stacks - 1)};
    return static_cast<int>(*value);
  };
  for (const std::string& text : texts) {
    const std::size_t dots = text.find("..");
    const int first = index(text.substr(0, dots), text);
    const int last = dots == std::string::npos ? first : index(text.substr(dots + 2), text);
    if (first > last) throw Wrong{"'" + text + "' is empty; the lower stack comes first"};
    for (int stack = first; stack <= last; ++stack)
      if (!result.insert(stack).second) throw Wrong{fmt::format("stack {} is named twice", stack)};
  }
  if (!texts.empty()) return {result.begin(), result.end()};
  std::vector<int> all(static_cast<std::size_t>(stacks));
  std::iota(all.begin(), all.end(), 0);
  return all;
}

/// The numbers in hbm_stack_S.channel_C.pseudo_channel_P, as many as there are. Throws Wrong.
std::vector<int> parse_unit(const std::string& text, const MemoryGeometry& g) {
  const std::pair<std::string, int> levels[] = {
      {"hbm_stack_", g.stacks}, {"channel_", g.channels}, {"pseudo_channel_", g.pseudo_channels}};
  std::vector<int> indices;
  std::istringstream parts(text + ".");
  for (std::string part; std::getline(parts, part, '.');) {
    const auto& [prefix, limit] = levels[std::min<std::size_t>(indices.size(), 2)];
    const std::string digits = part.compare(0, prefix.size(), prefix) == 0 ? part.substr(prefix.size()) : "";
    if (indices.size() == 3 || digits.empty() || digits.size() > 3 ||
        digits.find_first_not_of("0123456789") != std::string::npos)
      throw Wrong{"'" + text + "' is no unit; write hbm_stack_S, hbm_stack_S.channel_C or " +
                  "hbm_stack_S.channel_C.pseudo_channel_P"};
    indices.push_back(std::stoi(digits));
    if (indices.back() >= limit)
      throw Wrong{fmt::format("there is no '{}'; {} must be {}0..{}{}", text, part, prefix, prefix, limit - 1)};
  }
  return indices;
}

std::string bytes_of(std::uint64_t n) { return format_quantity(static_cast<std::int64_t>(n), Unit::bytes); }

/// What no region has taken yet of a unit of this stack.
struct Left {
  int stack;
  std::uint64_t bytes;
};

/// The bytes that a region of this size takes of each of its units. Throws Wrong.
std::uint64_t share_of(const std::string& size, const std::vector<Left>& units, std::uint64_t granule,
                       const std::string& unit_name) {
  const Left& front = units.front();
  if (size == "rest") {
    for (const Left& unit : units) {
      if (unit.bytes != front.bytes)
        throw Wrong{
            fmt::format("stack {} has {} left in each {}, stack {} {}; `rest` needs the same in all: give a "
                        "size, or other stacks",
                        front.stack, bytes_of(front.bytes), unit_name, unit.stack, bytes_of(unit.bytes))};
    }
    if (front.bytes == 0) throw Wrong{"regions overlap: those before it have left nothing of its stacks"};
    return front.bytes;
  }
  std::string error;
  const auto value = parse_integer(size, Unit::bytes, error);
  if (!value) throw Wrong{error + ", or `rest`"};
  const auto bytes = static_cast<std::uint64_t>(std::max<std::int64_t>(*value, 0));
  const std::uint64_t step = granule * units.size();
  if (bytes == 0 || bytes % step != 0)
    throw Wrong{fmt::format("{} is no multiple of {}, a granule of each of its {} units; {} would be right", size,
                            bytes_of(step), units.size(), bytes_of(std::max<std::uint64_t>(bytes / step, 1) * step))};
  const std::uint64_t share = bytes / units.size();
  for (const Left& unit : units) {
    if (share > unit.bytes)
      throw Wrong{fmt::format("regions overlap: {} takes {} of each {}, but {} are left of those of stack {}", size,
                              bytes_of(share), unit_name, bytes_of(unit.bytes), unit.stack)};
  }
  return share;
}

}  // namespace

std::vector<ParameterProblem> MemoryMap::problems(const MemoryGeometry& geometry, const MemoryMapOptions& options) {
  MemoryMap map;
  map.geometry_ = geometry;
  map.options_ = options;
  return map.configure();
}

MemoryMap::MemoryMap(const MemoryGeometry& geometry, const MemoryMapOptions& options)
    : geometry_(geometry), options_(options) {
  const std::vector<ParameterProblem> wrong = configure();
  if (!wrong.empty()) throw std::invalid_argument(wrong.front().parameter + ": " + wrong.front().message);
}

/// Everything from geometry_ and options_. Each step needs the ones before it.
std::vector<ParameterProblem> MemoryMap::configure() {
  static_assert(1u << kAtomShift == kAtomBytes);
  Problems problems;
  check_numbers(geometry_, options_, problems);
  if (problems.empty()) check_fields(unit_geometry(), options_, problems);
  if (problems.empty()) lay_out(problems);
  if (problems.empty()) mask(problems);
  if (problems.empty()) divide(problems);
  return problems;
}

/// What there is below a unit.
MemoryGeometry MemoryMap::unit_geometry() const {
  MemoryGeometry g = geometry_;
  if (options_.interleave == "pseudo_channel") g.pseudo_channels = 1;
  return g;
}

/// Fields and hashes: unit_bytes_, digits_, tables_, inverse_.
void MemoryMap::lay_out(Problems& problems) {
  const MemoryGeometry g = unit_geometry();
  const auto packed_at = [&](const std::string& field) -> unsigned {
    if (field == "row") return kRowAt;
    if (field == "sid") return kSidAt;
    if (field == "bank") return kBankAt;
    if (field == "bank_group") return kBankGroupAt;
    if (field == "pseudo_channel") return kPseudoChannelAt;
    return kColumnAt + (field == "column_high" ? static_cast<unsigned>(options_.column_low_bits) : 0);
  };
  std::vector<Cut> cuts;  // least significant first
  unsigned shift = 0;
  unit_bytes_ = 1;
  for (auto field = options_.fields.rbegin(); field != options_.fields.rend(); ++field) {
    const std::int64_t values = values_of(*field, g, options_.column_low_bits);
    const unsigned bits = log2_of(static_cast<std::uint64_t>(values));
    cuts.push_back({*field, values, shift, bits, packed_at(*field)});
    if (!is_power_of_two(values)) digits_.push_back({shift, bits, static_cast<std::uint64_t>(values)});
    shift += bits;
    unit_bytes_ *= static_cast<std::uint64_t>(values);
  }
  if (shift > kAtomShift + kLocalBits) {
    problems.push_back({"rows", fmt::format("a {}'s address has {} bits, must have at most {}", options_.interleave,
                                            shift, kAtomShift + kLocalBits)});
    return;
  }
  // The most significant field needs no spreading: there is nothing above it.
  if (!digits_.empty() && digits_.back().shift + digits_.back().bits == shift) digits_.pop_back();

  const Rows rows = rows_of(options_.hashes, cuts, problems);
  if (!problems.empty()) return;

  // The bank hash: index bit i of {pseudo_channel, bank_group, bank} ^= row bits i, i + n, i + 2n, ...; n index bits.
  std::vector<unsigned> index_bits;  // packed
  const auto append = [&](unsigned at, int values) {
    for (unsigned b = 0; b < log2_of(static_cast<std::uint64_t>(values)); ++b) index_bits.push_back(at + b);
  };
  append(kBankAt, g.banks);
  append(kBankGroupAt, g.bank_groups);
  append(kPseudoChannelAt, g.pseudo_channels);
  const auto folded_onto = [&](unsigned packed) {  // packed row bits
    std::uint64_t bits = 0;
    const auto at = std::find(index_bits.begin(), index_bits.end(), packed);
    if (!options_.bank_hash || at == index_bits.end()) return bits;
    for (std::size_t r = static_cast<std::size_t>(at - index_bits.begin()); r < kColumnAt - kRowAt;
         r += index_bits.size())
      bits |= bit(kRowAt + static_cast<unsigned>(r));
    return bits;
  };

  // Both directions, as the image of each local bit and the preimage of each packed one.
  const Rows inverse = inverse_of(rows).second;
  std::array<std::uint64_t, kLocalBits> image{};  // packed bits that a local bit flips
  std::vector<std::uint64_t> preimage(shift);     // packed bits whose XOR is a local bit as the hashes left it
  for (const Cut& cut : cuts) {
    if (cut.name == "offset") continue;
    for (unsigned b = 0; b < cut.bits; ++b) {
      for (unsigned i = kAtomShift; i < shift; ++i)
        if ((rows[cut.shift + b] & bit(i)) != 0) image[i - kAtomShift] ^= bit(cut.packed + b);
      preimage[cut.shift + b] = bit(cut.packed + b) | folded_onto(cut.packed + b);
    }
  }
  for (std::uint64_t& packed : image) {
    const std::uint64_t before = packed;
    for (const unsigned at : index_bits)
      if (__builtin_parityll(before & folded_onto(at)) != 0) packed ^= bit(at);
  }
  for (unsigned i = kAtomShift; i < shift; ++i) {
    for (unsigned b = kAtomShift; b < shift; ++b)
      if ((inverse[i] & bit(b)) != 0) inverse_[i - kAtomShift] ^= preimage[b];
  }
  for (unsigned t = 0; t < kTables; ++t) {
    for (unsigned v = 1; v < kTableSize; ++v)
      tables_[t][v] = tables_[t][v & (v - 1)] ^ image[t * kTableShift + static_cast<unsigned>(__builtin_ctz(v))];
  }
}

void MemoryMap::mask(Problems& problems) {
  const auto wrong = [&](std::string message) { problems.push_back({"masked", std::move(message)}); };
  present_.assign(static_cast<std::size_t>(geometry_.stacks * geometry_.channels * geometry_.pseudo_channels), true);
  for (const std::string& text : options_.masked) {
    try {
      const std::vector<int> unit = parse_unit(text, geometry_);
      std::size_t first = 0, count = present_.size();
      const int levels[] = {geometry_.stacks, geometry_.channels, geometry_.pseudo_channels};
      for (std::size_t i = 0; i < unit.size(); ++i) {
        count /= static_cast<std::size_t>(levels[i]);
        first += static_cast<std::size_t>(unit[i]) * count;
      }
      std::fill_n(present_.begin() + static_cast<std::ptrdiff_t>(first), count, false);
    } catch (const Wrong& bad) {
      wrong(bad.message);
    }
  }
  if (!problems.empty()) return;
  if (present_pseudo_channels() == 0) wrong("nothing is left; leave at least one pseudo-channel");
  if (options_.interleave == "pseudo_channel") return;
  for (std::uint32_t c = 0; c < channels(); ++c) {
    if (present_in(c) == 0 || present_in(c) == geometry_.pseudo_channels) continue;
    const auto per_stack = static_cast<std::uint32_t>(geometry_.channels);
    wrong(fmt::format("hbm_stack_{}.channel_{} keeps one of its pseudo-channels; that needs interleave: pseudo_channel",
                      c / per_stack, c % per_stack));
    return;
  }
}

int MemoryMap::present_in(std::uint32_t channel) const {
  const auto first = present_.begin() + static_cast<std::ptrdiff_t>(channel) * geometry_.pseudo_channels;
  return static_cast<int>(std::count(first, first + geometry_.pseudo_channels, true));
}
int MemoryMap::present_pseudo_channels() const {
  return static_cast<int>(std::count(present_.begin(), present_.end(), true));
}
std::uint32_t MemoryMap::present_channels() const {
  std::uint32_t count = 0;
  for (std::uint32_t c = 0; c < channels(); ++c) count += present_in(c) > 0;
  return count;
}

/// What granules can go to, in order; nothing of it used yet.
std::vector<MemoryMap::Slot> MemoryMap::all_units() const {
  std::vector<Slot> units;
  const bool halves = options_.interleave == "pseudo_channel";
  for (std::uint32_t c = 0; c < channels(); ++c) {
    const auto stack = static_cast<int>(c) / geometry_.channels, channel = static_cast<int>(c) % geometry_.channels;
    for (int pc = 0; pc < (halves ? geometry_.pseudo_channels : 1); ++pc) {
      if (!present(stack, channel, pc)) continue;
      units.push_back({0, static_cast<std::uint64_t>(pc) << kPseudoChannelAt, static_cast<std::uint16_t>(stack),
                       static_cast<std::uint16_t>(channel), c});
    }
  }
  return units;
}

/// Regions: ranges_, units_. Each region takes its share off the bottom of what is left of its units.
void MemoryMap::divide(Problems& problems) {
  const auto granule = static_cast<std::uint64_t>(options_.granule);
  granule_mask_ = granule - 1;
  granule_shift_ = log2_of(granule);
  rotation_factor_ = options_.channel_hash ? 0x9E3779B97F4A7C15ull : 0;
  std::vector<Slot> units = all_units();  // base: bytes used so far
  if (units.size() > 1 && unit_bytes_ % granule != 0) {
    problems.push_back({"interleave_granule",
                        fmt::format("the {} bytes of a {} are no multiple of it", unit_bytes_, options_.interleave)});
    return;
  }
  std::vector<MemoryRegionParams> regions = options_.regions;
  if (regions.empty()) regions.push_back({"all", {}, "rest"});
  for (const MemoryRegionParams& region : regions) {
    std::vector<Slot*> mine;
    std::vector<Left> left;
    std::uint64_t share = 0;
    const char* parameter = ".stacks";
    try {
      const std::vector<int> stacks = stacks_of(region.stacks, geometry_.stacks);
      for (Slot& unit : units) {
        if (std::find(stacks.begin(), stacks.end(), unit.stack) == stacks.end()) continue;
        mine.push_back(&unit);
        left.push_back({unit.stack, unit_bytes_ - unit.base});
      }
      if (mine.empty()) throw Wrong{"all of these stacks are masked"};
      parameter = ".size";
      share = share_of(region.size, left, granule, options_.interleave);
    } catch (const Wrong& wrong) {
      problems.push_back({"regions." + region.name + parameter, wrong.message});
      return;
    }
    const std::uint64_t first = ranges_.empty() ? 0 : ranges_.back().end;
    const auto count = static_cast<std::uint32_t>(mine.size());
    ranges_.push_back({first, first + share * count, ~std::uint64_t{0} / count + 1,
                       static_cast<std::uint32_t>(units_.size()), count, share, region.name});
    for (Slot* unit : mine) {
      units_.push_back(*unit);
      unit->base += share;
    }
  }
  for (const Slot& unit : units) {
    if (unit.base == unit_bytes_) continue;
    problems.push_back(
        {"regions", fmt::format("leave a hole: {} of each {} of stack {} are in none; give them to one (size: rest)",
                                bytes_of(unit_bytes_ - unit.base), options_.interleave, unit.stack)});
    return;
  }
}

std::vector<MemoryMap::Region> MemoryMap::regions() const {
  std::vector<Region> result;
  for (const Range& range : ranges_) {
    Region& region = result.emplace_back(Region{range.name, range.first, range.end - range.first, {}, range.count});
    for (std::uint32_t i = 0; i < range.count; ++i) {
      const int stack = units_[range.first_unit + i].stack;
      if (region.stacks.empty() || region.stacks.back() != stack) region.stacks.push_back(stack);
    }
  }
  return result;
}

std::uint64_t MemoryMap::encode(const Location& location) const {
  std::uint64_t packed = static_cast<std::uint64_t>(location.sid) << kSidAt |
                         static_cast<std::uint64_t>(location.bank_group) << kBankGroupAt |
                         static_cast<std::uint64_t>(location.bank) << kBankAt |
                         static_cast<std::uint64_t>(location.row) << kRowAt |
                         static_cast<std::uint64_t>(location.column) << kColumnAt;
  const std::uint64_t half = static_cast<std::uint64_t>(location.pseudo_channel) << kPseudoChannelAt;
  const bool halves = options_.interleave == "pseudo_channel";
  if (!halves) packed |= half;
  std::uint64_t local = location.offset;
  for (unsigned i = 0; i < kLocalBits; ++i)
    local |= static_cast<std::uint64_t>(__builtin_parityll(packed & inverse_[i])) << (kAtomShift + i);
  for (auto digit = digits_.rbegin(); digit != digits_.rend(); ++digit) local = digit->squeeze(local);

  const std::pair<std::uint32_t, std::uint64_t> wanted(
      static_cast<std::uint32_t>(location.stack * geometry_.channels + location.channel), halves ? half : 0);
  const auto before = [](const Slot& unit, const auto& key) {
    return std::pair(unit.channel_index, unit.packed) < key;
  };
  for (const Range& range : ranges_) {
    const Slot* first = units_.data() + range.first_unit;
    const Slot* unit = std::lower_bound(first, first + range.count, wanted, before);
    if (unit == first + range.count || std::pair(unit->channel_index, unit->packed) != wanted) continue;
    if (local < unit->base || local >= unit->base + range.share) continue;
    local -= unit->base;
    if (range.count == 1) return range.first + local;
    const std::uint64_t quotient = local >> granule_shift_;
    std::uint32_t index = static_cast<std::uint32_t>(unit - first) + range.count - rotation(quotient, range.count);
    if (index >= range.count) index -= range.count;
    return range.first + ((quotient * range.count + index) << granule_shift_ | (local & granule_mask_));
  }
  throw std::out_of_range("memory map: there is no such location");
}

}  // namespace cowosim
