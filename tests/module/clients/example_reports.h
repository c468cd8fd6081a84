// What the Accellera TLM-2.0 examples say, and what that means to a test. They report through SystemC, each under the name of its
// source file as message type; information is on, because it is the only way in which they tell that they have finished.
//  information  is not printed.
//  a fatal report (data that are not what was written, a response other than OK, a phase out of order) throws: sc_start rethrows.
//  a warning    fails the test, as ours do, unless the test has said that this one must come.
#pragma once

#include <string>
#include <systemc>
#include <vector>

namespace cowosim::clients {

/// One at a time; as long as it lives.
class ExampleReports {
 public:
  ExampleReports();
  ~ExampleReports();
  ExampleReports(const ExampleReports&) = delete;
  ExampleReports& operator=(const ExampleReports&) = delete;

  /// A warning of type `file` with `text` in it is that model's own limitation. It has to come, or the test fails.
  void expect_warning(const std::string& file, const std::string& text) { expected_.push_back({file, text, 0}); }
  /// Traffic generators that have come to the end of their traffic; all data read so far were what they had written.
  int finished() const { return finished_; }

 private:
  struct Expected {
    std::string file;
    std::string text;
    int seen;
  };
  static void handle(const sc_core::sc_report& report, const sc_core::sc_actions& actions);

  static ExampleReports* current_;
  sc_core::sc_report_handler_proc before_;
  std::vector<Expected> expected_;
  int finished_ = 0;
};

}  // namespace cowosim::clients
