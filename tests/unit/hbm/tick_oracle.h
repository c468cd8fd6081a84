// A second opinion on the channel: one pseudo-channel, walked through half clock by half clock with plain lists and no
// cleverness. Slow and obvious on purpose; it shares only the table of timings with the model. Covers FR-FCFS, read
// and write queue, write mode, open page and all-bank refresh of one pseudo-channel, requests of one access, a door
// that never blocks the source.
#pragma once

#include <algorithm>
#include <list>
#include <map>
#include <vector>

#include "accuracy/hbm/reference_streams.h"

namespace cowosim::accuracy {

class TickOracle {
 public:
  TickOracle(const hbm::Timing& timing, const StreamSpec& spec, const MemoryGeometry& geometry, bool refresh,
             int entries = 32)
      : t_(timing),
        spec_(spec),
        g_(geometry),
        generator_(spec, geometry),
        arrivals_(spec.seed ^ 0xABCDEF),
        entries_(entries),
        refresh_(refresh),
        row_(banks(), -1),
        last_act_(banks(), kPast),
        last_pre_(banks(), kPast),
        last_read_(banks(), kPast),
        last_write_(banks(), kPast) {}

  std::vector<Life> run() {
    draw();
    std::uint64_t sent = 0;
    for (Half h = 0; done_ < spec_.requests; ++h) {
      if (refresh_ && (h + t_.row_step) % t_.refresh_interval == 0) refreshing_ = true;
      while (sent < spec_.requests) {
        if (spec_.mode == "rate" && arrival_ > h) break;
        if (spec_.mode == "one" && (done_ != sent || h < ready_)) break;
        if (!peeked_) pending_ = generator_.next(), peeked_ = true;
        std::list<Entry>& queue = pending_.write ? writes_ : reads_;
        if (static_cast<int>(queue.size()) == entries_) break;
        const int bank =
            (pending_.location.sid * g_.bank_groups + pending_.location.bank_group) * g_.banks + pending_.location.bank;
        queue.push_back({sent, h, bank, static_cast<int>(pending_.location.row), pending_.write});
        lives_.push_back({spec_.mode == "rate" ? arrival_ : h, h, -1, pending_.write});
        if (spec_.mode == "rate") draw();
        peeked_ = false;
        ++sent;
      }
      tick(h);
    }
    return lives_;
  }

 private:
  using Half = hbm::Half;
  static constexpr Half kPast = -(Half{1} << 40);
  struct Entry {
    std::uint64_t id;
    Half accepted;
    int bank, row;
    bool write;
  };
  using Iterator = std::list<Entry>::iterator;

  std::size_t banks() const { return static_cast<std::size_t>(g_.sids * g_.bank_groups * g_.banks); }
  static std::size_t u(int i) { return static_cast<std::size_t>(i); }
  int group(int bank) const { return bank / g_.banks; }
  int sid(int bank) const { return group(bank) / g_.bank_groups; }

  bool column_ok(const Entry& e, Half h) const {
    if (h % 2 != 0) return false;
    if (h < last_act_[u(e.bank)] + (e.write ? t_.activate_to_write : t_.activate_to_read)) return false;
    for (int b = 0; b < static_cast<int>(banks()); ++b) {
      const bool same_group = group(b) == group(e.bank);
      const Half r = last_read_[u(b)];
      const Half w = last_write_[u(b)];
      if (e.write) {
        if (h < r + t_.read_to_write || h < w + (same_group ? t_.write_to_write_long : t_.write_to_write_short))
          return false;
      } else {
        const Half spacing = same_group              ? t_.read_to_read_long
                             : sid(b) == sid(e.bank) ? t_.read_to_read_short
                                                     : t_.read_to_read_sid;
        if (h < r + spacing || h < w + (same_group ? t_.write_to_read_long : t_.write_to_read_short)) return false;
      }
    }
    return true;
  }
  bool activate_ok(const Entry& e, Half h) const {
    if (h % 2 != 0 || h < row_bus_) return false;
    if (h < last_act_[u(e.bank)] + t_.activate_to_activate || h < last_pre_[u(e.bank)] + t_.precharge_to_activate)
      return false;
    if (h < last_refresh_ + t_.refresh_to_activate) return false;
    for (int b = 0; b < static_cast<int>(banks()); ++b)
      if (h <
          last_act_[u(b)] + (group(b) == group(e.bank) ? t_.activate_to_activate_long : t_.activate_to_activate_short))
        return false;
    return acts_.size() < 4 || h >= acts_[acts_.size() - 4] + t_.four_activates;
  }
  bool precharge_ok(int bank, Half h) const {
    return h % t_.row_step == 0 && h >= row_bus_ && h >= last_any_pre_ + t_.precharge_to_precharge &&
           h >= last_act_[u(bank)] + t_.activate_to_precharge && h >= last_read_[u(bank)] + t_.read_to_precharge &&
           h >= last_write_[u(bank)] + t_.write_to_precharge;
  }

  void mode() {
    const double high = 0.8 * entries_;
    const double low = 0.2 * entries_;
    if (!write_mode_)
      write_mode_ = static_cast<double>(writes_.size()) > high || reads_.empty();
    else
      write_mode_ = !(static_cast<double>(writes_.size()) < low && !reads_.empty());
  }

  void column(Half h, std::list<Entry>& from, Iterator e) {
    (e->write ? last_write_ : last_read_)[u(e->bank)] = h;
    Life& life = lives_[e->id];
    life.done = h + (e->write ? t_.write_latency : t_.read_latency) + t_.burst;
    ready_ = std::max(ready_, life.done + 128);
    ++done_;
    from.erase(e);
  }

  void tick(Half h) {
    // Column bus: active accesses by age, then hits of the queue being served.
    Iterator best = active_.end();
    for (Iterator e = active_.begin(); e != active_.end(); ++e)
      if (column_ok(*e, h) && (best == active_.end() || e->accepted < best->accepted)) best = e;
    if (best != active_.end()) {
      column(h, active_, best);
    } else if (!refreshing_) {
      mode();
      std::list<Entry>& queue = write_mode_ ? writes_ : reads_;
      for (Iterator e = queue.begin(); e != queue.end(); ++e)
        if (row_[u(e->bank)] == e->row && column_ok(*e, h)) {
          column(h, queue, e);
          break;
        }
    }
    // Row bus.
    if (refreshing_) {
      if (!active_.empty()) return;
      bool open = false;
      bool ready = true;
      for (int b = 0; b < static_cast<int>(banks()); ++b) {
        open = open || row_[u(b)] >= 0;
        ready = ready && precharge_ok(b, h);
      }
      if (open && ready) {
        for (int b = 0; b < static_cast<int>(banks()); ++b) row_[u(b)] = -1, last_pre_[u(b)] = h;
        last_any_pre_ = h;
        row_bus_ = h + t_.precharge_bus;
      } else if (!open && h % 2 == 0 && h >= row_bus_ && h >= last_any_pre_ + t_.precharge_to_refresh &&
                 h >= (acts_.empty() ? kPast : acts_.back()) + t_.activate_to_refresh) {
        last_refresh_ = h;
        refreshing_ = false;
        row_bus_ = h + t_.precharge_bus;
      }
      return;
    }
    mode();
    std::list<Entry>& queue = write_mode_ ? writes_ : reads_;
    for (Iterator e = queue.begin(); e != queue.end(); ++e) {
      const int open_row = row_[u(e->bank)];
      if (open_row == e->row) continue;
      if (open_row < 0) {
        if (!activate_ok(*e, h)) continue;
        row_[u(e->bank)] = e->row;
        last_act_[u(e->bank)] = h;
        acts_.push_back(h);
        row_bus_ = h + t_.activate_bus;
        active_.splice(active_.end(), queue, e);
        return;
      }
      if (!precharge_ok(e->bank, h)) continue;
      bool keep = false;  // an access it was opened for, or a hit that is not younger
      for (const Entry& a : active_) keep = keep || a.bank == e->bank;
      for (const Entry& q : queue) keep = keep || (q.bank == e->bank && q.row == open_row && q.accepted <= e->accepted);
      if (keep) continue;
      row_[u(e->bank)] = -1;
      last_pre_[u(e->bank)] = h;
      last_any_pre_ = h;
      row_bus_ = h + t_.precharge_bus;
      return;
    }
  }

  void draw() {
    if (spec_.mode != "rate") return;
    const auto threshold =
        spec_.load >= 100 ? 0 : static_cast<std::uint64_t>((static_cast<unsigned __int128>(spec_.load) << 64) / 100);
    while (true) {
      const std::uint64_t v = arrivals_.next();
      const Half slot = slot_++;
      if (spec_.load >= 100 || v < threshold) {
        arrival_ = slot * 4;
        return;
      }
    }
  }

  hbm::Timing t_;
  StreamSpec spec_;
  MemoryGeometry g_;
  StreamGenerator generator_;
  SplitMix64 arrivals_;
  int entries_;
  bool refresh_;
  bool refreshing_ = false;
  bool write_mode_ = false;
  bool peeked_ = false;
  Request pending_{};
  Half arrival_ = 0, slot_ = 0, ready_ = 0, row_bus_ = 0, last_any_pre_ = kPast, last_refresh_ = kPast;
  std::uint64_t done_ = 0;
  std::list<Entry> reads_, writes_, active_;
  std::vector<int> row_;
  std::vector<Half> last_act_, last_pre_, last_read_, last_write_, acts_;
  std::vector<Life> lives_;
};

}  // namespace cowosim::accuracy
