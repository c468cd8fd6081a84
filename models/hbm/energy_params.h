// What an HBM spends energy on, and the published figures of each generation.
#pragma once

#include <string>
#include <vector>

#include "core/parameter.h"

namespace cowosim::hbm {

/// A figure between low and high, with its source.
struct EnergyFigure {
  double value;
  double low;
  double high;
  std::string source;
};

/// Figures of one generation. No data are modelled: bits toggle as in the source (half of them, at random).
struct EnergyFigures {
  const char* generation;
  EnergyFigure activate;     ///< pJ: ACT of a 1 KiB row with its PRE
  EnergyFigure read;         ///< pJ per bit: from the sense amplifiers through TSVs and base die to the I/O
  EnergyFigure write;        ///< pJ per bit: the same way back
  EnergyFigure io;           ///< pJ per bit over the interposer, both ends
  EnergyFigure refresh_row;  ///< pJ per 1 KiB row refreshed
  EnergyFigure
      background;  ///< W of a pseudo-channel's time at `data_rate`: clocks, standby, leakage, its share of the base die
  double data_rate;  ///< b/s of a pin that `background` is for; it goes with the clock
};

const std::vector<EnergyFigures>& energy_figures();
/// nullptr when there is none of that name.
const EnergyFigures* find_energy_figures(const std::string& generation);
/// Every generation's figure, interval and source, in words.
std::string published(EnergyFigure EnergyFigures::*figure, Unit unit);

/// 0 everywhere: the generation's figure.
struct EnergyParams {
  double activate = 0;
  double read = 0;
  double write = 0;
  double io = 0;
  double refresh_row = 0;
  double background = 0;

  template <class Visitor>
  void visit(Visitor& v) {
    v("activate", activate, Unit::energy, Range{0, 1e6},
      "of an ACT with its PRE, per KiB of the row; 0: the generation's",
      published(&EnergyFigures::activate, Unit::energy));
    v("read", read, Unit::energy_bit, Range{0, 1000}, "of a bit read, inside the stack; 0: the generation's",
      published(&EnergyFigures::read, Unit::energy_bit));
    v("write", write, Unit::energy_bit, Range{0, 1000}, "of a bit written, inside the stack; 0: the generation's",
      published(&EnergyFigures::write, Unit::energy_bit));
    v("io", io, Unit::energy_bit, Range{0, 1000}, "of a bit over the interposer, both ends; 0: the generation's",
      published(&EnergyFigures::io, Unit::energy_bit));
    v("refresh_row", refresh_row, Unit::energy, Range{0, 1e6}, "of a row refreshed, per KiB of it; 0: the generation's",
      published(&EnergyFigures::refresh_row, Unit::energy));
    v("background", background, Unit::power, Range{0, 1000},
      "power of an idle pseudo-channel, refresh not included; 0: the generation's, in proportion to hbm.data_rate",
      published(&EnergyFigures::background, Unit::power));
  }
};

}  // namespace cowosim::hbm
