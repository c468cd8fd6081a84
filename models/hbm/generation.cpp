#include "hbm/generation.h"

namespace cowosim::hbm {

namespace {

constexpr TimingSpec at_least(Time time, std::int64_t clocks = 1) { return {time, clocks}; }
constexpr TimingSpec only(std::int64_t clocks) { return {0, clocks}; }
constexpr TimingSpec kAbsent{0, 0};
constexpr TimingSpec ns(double nanoseconds, std::int64_t clocks = 1) {
  return at_least(static_cast<Time>(nanoseconds * static_cast<double>(kNanosecond)), clocks);
}

/// Holds the times of a grade at another data rate of the same generation.
SpeedGrade derived(SpeedGrade grade, double data_rate, const char* source) {
  grade.data_rate = data_rate;
  grade.clock = 0;
  grade.source = source;
  return grade;
}

// ---------------------------------------------------------------------------------------------------------- HBM2, HBM2E
// JESD235 values as Ramulator 2.1 (commit c5b1c3a, python/ramulator/dram/hbm2.py) gives them, in CK of the grade; the
// times of tRRD, tFAW and tRREFD are its formulas.

SpeedGrade hbm2_grade(double data_rate, Time ck, int rl, int wl, int rcd_read, int rcd_write, int rp, int ras, int rc,
                      int wtr_short, int wtr_long, int rtp, int wr, const char* source) {
  SpeedGrade s{};
  s.data_rate = data_rate;
  s.clock = ck;
  s.rl = at_least(rl * ck);
  s.wl = at_least(wl * ck);
  s.rcd_read = at_least(rcd_read * ck);
  s.rcd_write = at_least(rcd_write * ck);
  s.rp = at_least(rp * ck);
  s.ras = at_least(ras * ck);
  s.rc = at_least(rc * ck);
  s.ccd_short = only(2);  // nCCDS 2: one burst
  s.ccd_long = only(4);   // nCCDL 4 at 2.0 and 2.4 Gb/s alike
  s.ccd_sid = kAbsent;
  s.rrd_short = ns(4, 4);  // max(4 nCK, 4 ns)
  s.rrd_long = ns(4, 4);   // max(4 nCK, 4 ns)
  s.faw = ns(15, 8);       // max(8 nCK, 15 ns)
  s.wtr_short = at_least(wtr_short * ck);
  s.wtr_long = at_least(wtr_long * ck);
  s.rtw = kAbsent;
  s.rtp = at_least(rtp * ck);
  s.wr = at_least(wr * ck);
  s.ppd = kAbsent;
  s.rrefd = ns(8, 4);  // max(4 nCK, 8 ns)
  s.source = source;
  return s;
}

SpeedGrade hbm2_2000() {
  return hbm2_grade(2.0e9, 1000 * kPicosecond, 14, 5, 14, 12, 14, 34, 48, 6, 8, 5, 16,
                    "JESD235 as quoted by Ramulator 2.1 (c5b1c3a), HBM2_2000Mbps");
}

Generation hbm2() {
  Generation g{};
  g.name = "hbm2";
  g.bits = 64;             // JESD235: 64 DQ per pseudo-channel
  g.beats_per_clock = 2;   // JESD235: data on both edges of a strobe of CK's rate
  g.burst_beats = 4;       // JESD235: BL4
  g.channels = 8;          // JESD235
  g.pseudo_channels = 2;   // JESD235, pseudo-channel mode (the only one of JESD235D parts)
  g.bank_groups = 4;       // JESD235
  g.banks = 4;             // JESD235
  g.columns = 32;          // JESD235: 1 KiB page per pseudo-channel
  g.activate_halves = 4;   // JESD235: ACT takes 2 CK on the row bus
  g.precharge_halves = 2;  // 1 CK, as everything else
  g.column_halves = 2;     // 1 CK
  g.falling_precharge = false;
  g.refi = ns(3900);  // tREFI 3.9 us
  g.density = DensityOf::pseudo_channel;
  g.rfc_all_bank = {{1, ns(110)}, {2, ns(160)}, {4, ns(260)}, {8, ns(350)}, {1e9, ns(450)}};  // tRFC
  g.rfc_bank = {{8, ns(160)}, {1e9, ns(200)}};                                                // tRFCSB
  g.grades = {hbm2_2000(), hbm2_grade(2.4e9, 833 * kPicosecond, 17, 6, 17, 14, 17, 40, 57, 8, 10, 6, 19,
                                      "JESD235 as quoted by Ramulator 2.1 (c5b1c3a), HBM2_2400Mbps; its CK of 833 ps")};
  g.heights = {4, 8, 12};  // JESD235B (JEDEC, 17 December 2018): 2-, 4-, 8- and 12-high of up to 16 Gb a layer
  g.die_gigabits = {8, 16};
  g.source = "JESD235 as quoted by Ramulator 2.1 (c5b1c3a), python/ramulator/dram/hbm2.py";
  return g;
}

Generation hbm2e() {
  Generation g = hbm2();
  g.name = "hbm2e";
  const char* source =
      "assumption: the times of HBM2 at 2.0 Gb/s, tCCD_L 4 CK of at least 2.5 ns; no source ships a column";
  SpeedGrade s = hbm2_2000();
  s.ccd_long = ns(2.5, 4);
  g.grades = {derived(s, 3.2e9, source), derived(s, 3.6e9, source)};
  g.die_gigabits = {16};  // Samsung Flashbolt, SK hynix (2019): 16 GB of eight 16 Gb dies; Intel 773264: 4- and 8-high
  g.source = "JESD235D; HBM2's protocol";
  return g;
}

// ---------------------------------------------------------------------------------------------------------- HBM3, HBM3E

/// JESD238 values as Ramulator 2.1 (commit c5b1c3a, python/ramulator/dram/hbm3.py, preset HBM3_6400Mbps, quoting
/// JESD238 tables 4 and 84) gives them in CK of 0.625 ns; here the same as times: clocks x 0.625 ns.
SpeedGrade hbm3_6400() {
  constexpr Time ck = 625 * kPicosecond;
  SpeedGrade s{};
  s.data_rate = 6.4e9;
  s.rl = at_least(20 * ck);           // nCL 20
  s.wl = at_least(10 * ck);           // nCWL 10
  s.rcd_read = at_least(31 * ck);     // nRCDRD 31
  s.rcd_write = at_least(15 * ck);    // nRCDWR 15
  s.rp = at_least(26 * ck);           // nRP 26
  s.ras = at_least(45 * ck);          // nRAS 45
  s.rc = at_least(72 * ck);           // nRC 72
  s.ccd_short = only(2);              // nCCDS 2: one burst
  s.ccd_long = ns(2.5, 4);            // nCCDL 4; JESD238B.01 table 93: max(4 nCK, 2.5 ns) (quoted by gem5)
  s.ccd_sid = only(3);                // nCCDR 3: one CK of bubble between SIDs
  s.rrd_short = at_least(4 * ck, 2);  // nRRDS 4
  s.rrd_long = at_least(5 * ck, 2);   // nRRDL 5
  s.faw = at_least(24 * ck);          // nFAW 24
  s.wtr_short = at_least(7 * ck);     // nWTRS 7
  s.wtr_long = at_least(10 * ck);     // nWTRL 10
  s.rtw = at_least(20 * ck);          // nRTW 20
  s.rtp = at_least(9 * ck);           // nRTP 9
  s.wr = at_least(33 * ck);           // nWR 33
  s.ppd = only(2);                    // nPPD 2
  s.rrefd = at_least(8 * ck, 3);      // nRREFD 8
  s.source = "JESD238 as quoted by Ramulator 2.1 (c5b1c3a), HBM3_6400Mbps";
  return s;
}

Generation hbm3() {
  Generation g{};
  g.name = "hbm3";
  g.bits = 32;                  // JESD238: 32 DQ per pseudo-channel
  g.beats_per_clock = 4;        // JESD238: WDQS runs at twice CK, data on both its edges
  g.burst_beats = 8;            // JESD238: BL8
  g.channels = 16;              // JESD238
  g.pseudo_channels = 2;        // JESD238
  g.bank_groups = 4;            // JESD238
  g.banks = 4;                  // JESD238
  g.columns = 32;               // JESD238: 1 KiB page per pseudo-channel
  g.activate_halves = 3;        // JESD238: ACT takes 1.5 CK on the row bus (rising, falling, rising edge)
  g.precharge_halves = 1;       // JESD238: PRE, REF take half a CK
  g.column_halves = 2;          // JESD238: RD, WR take 1 CK
  g.falling_precharge = true;   // JESD238: PRE may start on a falling edge
  g.refresh_management = true;  // JESD238: RFMab, RFMpb
  g.refi = ns(3900);            // tREFI 3.9 us
  // Over all SIDs: gem5's and Ramulator 2.1's 16 Gb 8-high (8 Gb a channel) has 350 ns. Ramulator's 32 Gb 16-high (350 ns)
  // contradicts its 32 Gb 8-high (450 ns); the more cautious one holds here.
  g.density = DensityOf::channel;
  g.rfc_all_bank = {{4, ns(260)}, {8, ns(350)}, {16, ns(450)}, {1e9, ns(550)}};  // tRFCab, JESD238 table 84
  g.rfc_bank = {{1e9, ns(200)}};  // nRFCpb 320 of 0.625 ns; gem5 quotes 200 ns too
  SpeedGrade slower = hbm3_6400();
  slower.rrefd = ns(8, 3);  // max(3 nCK, 8 ns): the standard's, as Ramulator's formula has it
  const char* source = "assumption: the times of 6.4 Gb/s, tRREFD max(3 nCK, 8 ns)";
  g.grades = {derived(slower, 5.2e9, source), derived(slower, 5.6e9, source), hbm3_6400()};
  // JESD238 (JEDEC, 27 January 2022): 4-, 8-, 12-high, later 16-high; layers of 8 to 32 Gb
  g.heights = {4, 8, 12, 16};
  g.die_gigabits = {8, 16, 24, 32};
  g.source = "JESD238 as quoted by Ramulator 2.1 (c5b1c3a), python/ramulator/dram/hbm3.py, HBM3_6400Mbps";
  return g;
}

Generation hbm3e() {
  Generation g = hbm3();
  g.name = "hbm3e";
  const char* source =
      "assumption: the times of HBM3 at 6.4 Gb/s, tRREFD max(3 nCK, 8 ns); JESD238B.01's protocol is HBM3's";
  const SpeedGrade slower = g.grades.front();
  g.grades = {derived(slower, 8.0e9, source), derived(slower, 9.2e9, source), derived(slower, 9.6e9, source)};
  g.die_gigabits = {16, 24, 32};  // Micron (2024): 24 and 36 GB of eight and twelve 24 Gb dies; 16, 32 Gb: JESD238
  g.source = "JESD238B.01 as quoted by gem5: HBM3's protocol at up to 9.6 Gb/s";
  return g;
}

// ---------------------------------------------------------------------------------------------------------------- HBM4

/// Ramulator 2.1 (commit c5b1c3a, python/ramulator/dram/hbm4.py, preset HBM4_8000Mbps), clocks x 0.5 ns.
SpeedGrade hbm4_8000() {
  constexpr Time ck = 500 * kPicosecond;
  SpeedGrade s{};
  s.data_rate = 8.0e9;
  s.rl = at_least(20 * ck);         // nCL 20
  s.wl = at_least(10 * ck);         // nCWL 10
  s.rcd_read = at_least(39 * ck);   // nRCDRD 39
  s.rcd_write = at_least(19 * ck);  // nRCDWR 19
  s.rp = at_least(33 * ck);         // nRP 33
  s.ras = at_least(57 * ck);        // nRAS 57
  s.rc = at_least(90 * ck);         // nRC 90
  s.ccd_short = only(2);            // nCCDS 2: one burst
  s.ccd_long = only(4);             // nCCDL 4; at 16 Gb/s too, so clocks and no time
  s.ccd_sid = only(2);              // nCCDR 2
  s.rrd_short = at_least(5 * ck);   // nRRDS 5
  s.rrd_long = at_least(7 * ck);    // nRRDL 7
  s.faw = at_least(30 * ck);        // nFAW 30
  s.wtr_short = at_least(9 * ck);   // nWTRS 9
  s.wtr_long = at_least(13 * ck);   // nWTRL 13
  s.rtw = at_least(25 * ck);        // nRTW 25
  s.rtp = at_least(12 * ck);        // nRTP 12
  s.wr = at_least(42 * ck);         // nWR 42
  s.ppd = only(2);                  // nPPD 2
  s.rrefd = ns(8, 3);               // max(3 nCK, 8 ns): what the preset's 8 is overwritten with
  s.source = "JESD270-4 as Ramulator 2.1 (c5b1c3a) has it, HBM4_8000Mbps";
  return s;
}

Generation hbm4() {
  Generation g = hbm3();  // same bursts, command lengths and page
  g.name = "hbm4";
  g.channels = 32;    // JESD270-4: twice the channels of HBM3
  g.bank_groups = 2;  // Ramulator 2.1: 2 x 8, unlike HBM3's 4 x 4
  g.banks = 8;
  g.group_limits_bank_refresh = true;  // Ramulator 2.1, HBM4 only
  g.rfc_all_bank = {{4, ns(400)}, {8, ns(450)}, {16, ns(530)}};
  g.rfc_bank = {{16, ns(280)}};  // nRFCpb 560 of 0.5 ns
  g.grades = {
      hbm4_8000(),
      derived(hbm4_8000(), 10.0e9,
              "SK hynix, September 2025: 10 Gb/s (tomshardware.com); assumption: the times of 8.0 Gb/s"),
      derived(hbm4_8000(), 11.0e9,
              "Micron, September 2025: over 11 Gb/s (techpowerup.com/341279); assumption: the times of 8.0 Gb/s")};
  g.die_gigabits = {24, 32};  // JESD270-4 (JEDEC, April 2025): 4-, 8-, 12-, 16-high of 24 or 32 Gb dies
  g.source = "JESD270-4 as Ramulator 2.1 (c5b1c3a) has it, python/ramulator/dram/hbm4.py, HBM4_8000Mbps";
  return g;
}

}  // namespace

const SpeedGrade& Generation::grade(double data_rate) const {
  for (const SpeedGrade& s : grades)
    if (s.data_rate >= data_rate) return s;
  return grades.back();
}

const std::vector<Generation>& generations() {
  static const std::vector<Generation> all = {hbm2(), hbm2e(), hbm3(), hbm3e(), hbm4()};
  return all;
}

const Generation* find_generation(const std::string& name) {
  for (const Generation& g : generations())
    if (name == g.name) return &g;
  return nullptr;
}

std::vector<std::string> generation_names() {
  std::vector<std::string> names;
  for (const Generation& g : generations()) names.emplace_back(g.name);
  return names;
}

}  // namespace cowosim::hbm
