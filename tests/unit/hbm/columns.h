// The clocks of every speed grade as its source prints them, or, for derived grades, ceil(ns x clock) worked out apart
// from the code.
#pragma once

#include <string>

#include "hbm/generation.h"

namespace cowosim::hbm {

struct Column {
  const char* generation;
  double data_rate;
  Half rl, wl, rcd_read, rcd_write, rp, ras, rc, ccd_short, ccd_long, ccd_sid, rrd_short, rrd_long, faw, wtr_short,
      wtr_long, rtw, rtp, wr, ppd, refi, rfc, rfc_bank, rrefd, refi_bank;
};

/// 16 banks, smallest density of the reference organisations; 0: no constraint. tRTW of HBM2 is CL + BL + 2 - CWL.
inline const Column kColumns[] = {
    // Ramulator 2.1 (c5b1c3a): HBM2_2000Mbps, HBM2_2400Mbps (with HBM2_4Gb), HBM3_6400Mbps (HBM3_4Gb), HBM4_8000Mbps
    // (HBM4_32Gb_4Hi), and HBM4_16000Mbps, which is no grade here but the times of the fastest. Its HBM2 spreads REFpb
    // over both pseudo-channels (122, 147 CK), this model over the 16 banks of one.
    {"hbm2", 2.0e9, 14, 5, 14, 12, 14, 34, 48, 2, 4, 0, 4, 4, 15, 6, 8, 13, 5, 16, 0, 3900, 260, 160, 8, 244},
    {"hbm2", 2.4e9, 17, 6, 17, 14, 17, 40, 57, 2, 4, 0, 5, 5, 19, 8, 10, 15, 6, 19, 0, 4682, 313, 193, 10, 293},
    {"hbm3", 6.4e9, 20, 10, 31, 15, 26, 45, 72, 2, 4, 3, 4, 5, 24, 7, 10, 20, 9, 33, 2, 6240, 416, 320, 8, 390},
    {"hbm4", 8.0e9, 20, 10, 39, 19, 33, 57, 90, 2, 4, 2, 5, 7, 30, 9, 13, 25, 12, 42, 2, 7800, 800, 560, 16, 488},
    {"hbm4", 16.0e9, 40, 20, 78, 38, 66, 114, 180,   2,    4,    2,  10,
     14,     60,     18, 26, 50, 24, 84, 2,   15600, 1600, 1120, 32, 975},
    // The product preset h100_sxm5, between two grades.
    {"hbm3", 5.23e9, 17, 9, 26, 13, 22, 37, 59, 2, 4, 3, 4, 5, 20, 6, 9, 17, 8, 27, 2, 5100, 340, 262, 11, 319},
    // Derived.
    {"hbm2e", 3.2e9, 23, 8, 23, 20, 23, 55, 77, 2, 4, 0, 7, 7, 24, 10, 13, 19, 8, 26, 0, 6240, 416, 256, 13, 390},
    {"hbm2e", 3.6e9, 26, 9, 26, 22, 26, 62, 87, 2, 5, 0, 8, 8, 27, 11, 15, 21, 9, 29, 0, 7020, 468, 288, 15, 439},
    {"hbm3", 5.2e9, 17, 9, 26, 13, 22, 37, 59, 2, 4, 3, 4, 5, 20, 6, 9, 17, 8, 27, 2, 5070, 338, 260, 11, 317},
    {"hbm3", 5.6e9, 18, 9, 28, 14, 23, 40, 63, 2, 4, 3, 4, 5, 21, 7, 9, 18, 8, 29, 2, 5460, 364, 280, 12, 342},
    {"hbm3e", 8.0e9, 25, 13, 39, 19, 33, 57, 90, 2, 5, 3, 5, 7, 30, 9, 13, 25, 12, 42, 2, 7800, 520, 400, 16, 488},
    {"hbm3e", 9.2e9, 29, 15, 45, 22, 38, 65, 104, 2, 6, 3, 6, 8, 35, 11, 15, 29, 13, 48, 2, 8970, 598, 460, 19, 561},
    {"hbm3e", 9.6e9, 30, 15, 47, 23, 39, 68, 108, 2, 6, 3, 6, 8, 36, 11, 15, 30, 14, 50, 2, 9360, 624, 480, 20, 585},
    {"hbm4", 10.0e9, 25, 13, 49, 24, 42, 72, 113, 2, 4, 2, 7, 9, 38, 12, 17, 32, 15, 53, 2, 9750, 1000, 700, 20, 610},
    {"hbm4", 11.0e9, 28, 14, 54, 27, 46, 79, 124, 2, 4, 2, 7, 10, 42, 13, 18, 35, 17, 58, 2, 10725, 1100, 770, 22, 671},
};

inline constexpr Half kBurst = 2;  // CK, of every generation: 4 beats of 2 a clock, 8 of 4
inline double gigabits_of(const std::string& generation) { return generation.rfind("hbm2", 0) == 0 ? 8 : 4; }
inline std::string name_of(const Column& c) {
  return std::string(c.generation) + "_" + std::to_string(static_cast<int>(c.data_rate / 1e6));
}

}  // namespace cowosim::hbm
