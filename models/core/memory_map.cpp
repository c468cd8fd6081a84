#include "core/memory_map.h"

#include <initializer_list>
#include <stdexcept>

#include "core/transaction.h"

namespace cowosim {

namespace {

constexpr bool is_power_of_two(std::int64_t n) { return n > 0 && (n & (n - 1)) == 0; }

std::uint32_t log2_of(std::uint64_t n) {
  std::uint32_t bits = 0;
  while ((std::uint64_t{1} << bits) < n) ++bits;
  return bits;
}

/// Number of values of a field; -1 for a name that is none.
std::int64_t values_of(const std::string& field, const MemoryGeometry& g, int column_low_bits) {
  if (field == "row") return g.rows;
  if (field == "sid") return g.sids;
  if (field == "bank") return g.banks;
  if (field == "bank_group") return g.bank_groups;
  if (field == "pseudo_channel") return g.pseudo_channels;
  if (field == "column") return g.columns;
  if (field == "column_low") return std::int64_t{1} << column_low_bits;
  if (field == "column_high") return g.columns >> column_low_bits;
  if (field == "offset") return kAtomBytes;
  return -1;
}

}  // namespace

std::vector<std::string> MemoryMap::problems(const MemoryGeometry& g, const MemoryMapOptions& o) {
  std::vector<std::string> result;
  const auto number = [](std::int64_t n) { return std::to_string(n); };
  struct Limit {
    const char* name;
    int value, limit;
  };
  for (const auto& [name, value, limit] : std::initializer_list<Limit>{{"stacks", g.stacks, 256},
                                                                       {"channels", g.channels, 256},
                                                                       {"pseudo_channels", g.pseudo_channels, 2},
                                                                       {"sids", g.sids, 4},
                                                                       {"bank_groups", g.bank_groups, 16},
                                                                       {"banks", g.banks, 16},
                                                                       {"rows", g.rows, 1 << 20},
                                                                       {"columns", g.columns, 1 << 12}})
    if (value < 1 || value > limit)
      result.push_back(std::string(name) + " is " + number(value) + ", must be 1.." + number(limit));
  if (!result.empty()) return result;
  if (!is_power_of_two(o.granule) || o.granule < static_cast<std::int64_t>(kAtomBytes))
    result.push_back("interleave granule is " + number(o.granule) + " bytes, must be a power of two of at least " +
                     number(kAtomBytes));
  if (o.column_low_bits < 0 || o.column_low_bits > 12 || g.columns < (1 << o.column_low_bits))
    result.push_back("column_low_bits is " + number(o.column_low_bits) + ", more than a column has");
  if (!result.empty()) return result;

  const auto count = [&](const char* name) {
    int n = 0;
    for (const std::string& field : o.fields) n += field == name;
    return n;
  };
  for (const std::string& field : o.fields)
    if (values_of(field, g, o.column_low_bits) < 0)
      result.push_back(
          "address map: unknown field '" + field +
          "', must be one of row, sid, bank, bank_group, pseudo_channel, column, column_high, column_low, offset");
  if (!result.empty()) return result;
  for (const char* name :
       {"row", "sid", "bank", "bank_group", "pseudo_channel", "column", "column_high", "column_low", "offset"})
    if (count(name) > 1) result.push_back(std::string("address map: field '") + name + "' occurs twice");
  if (o.fields.empty() || o.fields.back() != "offset") result.push_back("address map: the last field must be offset");
  const bool split = count("column_high") + count("column_low") > 0;
  if (split && (count("column") > 0 || count("column_high") != 1 || count("column_low") != 1))
    result.push_back("address map: column is given either whole or as column_high and column_low");
  for (const char* name : {"row", "sid", "bank", "bank_group", "pseudo_channel", "column"})
    if (count(name) == 0 && values_of(name, g, 0) > 1 && !(split && std::string(name) == "column"))
      result.push_back(std::string("address map: field '") + name + "' is missing and has " +
                       number(values_of(name, g, 0)) + " values");
  for (std::size_t i = 1; i < o.fields.size(); ++i)
    if (!is_power_of_two(values_of(o.fields[i], g, o.column_low_bits)))
      result.push_back("address map: field '" + o.fields[i] + "' has " +
                       number(values_of(o.fields[i], g, o.column_low_bits)) +
                       " values; only the first field may have a number that is no power of two");
  if (o.bank_hash &&
      !(is_power_of_two(g.banks) && is_power_of_two(g.bank_groups) && is_power_of_two(g.pseudo_channels)))
    result.push_back("address map: the bank hash needs powers of two of banks, bank groups and pseudo-channels");
  if (!result.empty()) return result;
  std::int64_t per_channel =
      static_cast<std::int64_t>(kAtomBytes) * g.columns * g.rows * g.banks * g.bank_groups * g.sids;
  per_channel *= g.pseudo_channels;
  if (g.stacks * g.channels > 1 && per_channel % o.granule != 0)
    result.push_back("a channel's " + number(per_channel) + " bytes are no multiple of the interleave granule");
  return result;
}

MemoryMap::MemoryMap(const MemoryGeometry& geometry, const MemoryMapOptions& options)
    : geometry_(geometry), options_(options) {
  const std::vector<std::string> wrong = problems(geometry, options);
  if (!wrong.empty()) throw std::invalid_argument(wrong.front());

  channels_per_stack_ = static_cast<std::uint32_t>(geometry.channels);
  channels_ = static_cast<std::uint32_t>(geometry.stacks) * channels_per_stack_;
  granule_shift_ = log2_of(static_cast<std::uint64_t>(options.granule));
  granule_mask_ = static_cast<std::uint64_t>(options.granule) - 1;
  offset_mask_ = kAtomBytes - 1;
  column_shift_ = 0;

  std::uint32_t shift = 0;
  std::uint64_t local_capacity = 1;
  for (auto field = options.fields.rbegin(); field != options.fields.rend(); ++field) {
    const auto values = static_cast<std::uint64_t>(values_of(*field, geometry, options.column_low_bits));
    const std::uint32_t bits = log2_of(values);
    const Field cut{shift, static_cast<std::uint32_t>((std::uint64_t{1} << bits) - 1)};
    if (*field == "row") row_ = cut;
    if (*field == "sid") sid_ = cut;
    if (*field == "bank") bank_ = cut;
    if (*field == "bank_group") bank_group_ = cut;
    if (*field == "pseudo_channel") pseudo_channel_ = cut;
    if (*field == "column" || *field == "column_low") column_low_ = cut;
    if (*field == "column_high") {
      column_high_ = cut;
      column_shift_ = static_cast<std::uint32_t>(options.column_low_bits);
    }
    shift += bits;
    local_capacity *= values;
  }
  bank_group_shift_ = log2_of(static_cast<std::uint64_t>(geometry.banks));
  pseudo_channel_shift_ = bank_group_shift_ + log2_of(static_cast<std::uint64_t>(geometry.bank_groups));
  index_bits_ = pseudo_channel_shift_ + log2_of(static_cast<std::uint64_t>(geometry.pseudo_channels));
  index_mask_ = (1u << index_bits_) - 1;
  capacity_ = local_capacity * channels_;
}

std::uint64_t MemoryMap::encode(const Location& location) const {
  std::uint32_t index = location.bank | static_cast<std::uint32_t>(location.bank_group) << bank_group_shift_ |
                        static_cast<std::uint32_t>(location.pseudo_channel) << pseudo_channel_shift_;
  if (options_.bank_hash) index ^= fold(location.row);
  const auto place = [](const Field& field, std::uint64_t value) { return (value & field.mask) << field.shift; };
  const std::uint64_t local =
      location.offset | place(row_, location.row) | place(sid_, location.sid) | place(bank_, index) |
      place(bank_group_, index >> bank_group_shift_) | place(pseudo_channel_, index >> pseudo_channel_shift_) |
      place(column_low_, location.column) | place(column_high_, location.column >> column_shift_);
  if (channels_ == 1) return local;
  const std::uint64_t quotient = local >> granule_shift_;
  std::uint32_t remainder = location.stack * channels_per_stack_ + location.channel;
  if (options_.channel_hash) {
    const std::uint32_t turn = rotation(quotient);
    remainder = remainder >= turn ? remainder - turn : remainder + channels_ - turn;
  }
  return (quotient * channels_ + remainder) << granule_shift_ | (local & granule_mask_);
}

}  // namespace cowosim
