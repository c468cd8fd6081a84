#include "telemetry/energy.h"

#include <fmt/format.h>

#include <algorithm>

namespace cowosim::telemetry {

namespace {

bool same(const EnergyTerm& a, const EnergyTerm& b) { return a.name == b.name && a.per == b.per && a.each == b.each; }

std::uint64_t count_of(const EnergyAccount& account, const EnergyTerm& like) {
  for (const EnergyTerm& term : account.terms())
    if (same(term, like)) return term.count;
  return 0;
}

}  // namespace

Energy& Energy::operator+=(const Energy& other) {
  value += other.value;
  low += other.low;
  high += other.high;
  return *this;
}

void EnergyAccount::add(const EnergyTerm& term) {
  const auto found =
      std::find_if(terms_.begin(), terms_.end(), [&](const EnergyTerm& other) { return same(other, term); });
  if (found == terms_.end()) {
    terms_.push_back(term);
  } else {
    found->count += term.count;
  }
}

void EnergyAccount::add(const EnergyAccount& other) {
  for (const EnergyTerm& term : other.terms_) add(term);
}

Energy EnergyAccount::total() const {
  Energy sum;
  for (const EnergyTerm& term : terms_) sum += term.energy();
  return sum;
}

std::uint64_t EnergyAccount::count(const std::string& name) const {
  std::uint64_t sum = 0;
  for (const EnergyTerm& term : terms_)
    if (term.name == name) sum += term.count;
  return sum;
}

void EnergyAccount::statistics(StatVisitor& visit) const {
  for (const EnergyTerm& term : terms_) visit(("energy_" + term.name).c_str(), "pJ", term.energy().value);
}

EnergyAccount EnergyBalance::total() const {
  EnergyAccount sum;
  for (const Row& owner : owners) sum.add(owner.second);
  return sum;
}

std::vector<std::string> EnergyBalance::broken() const {
  const EnergyAccount spent = total();
  EnergyAccount caused = unattributed;
  for (const Row& stream : streams) caused.add(stream.second);
  std::vector<std::string> broken;
  EnergyAccount all = spent;
  all.add(caused);  // every term of either side, once
  for (const EnergyTerm& term : all.terms()) {
    const std::uint64_t by_owner = count_of(spent, term);
    const std::uint64_t by_stream = count_of(caused, term);
    if (by_owner != by_stream)
      broken.push_back(fmt::format("energy of {}: {} counted by owner, {} by stream and without one (per {})",
                                   term.name, by_owner, by_stream, term.per));
  }
  return broken;
}

}  // namespace cowosim::telemetry
