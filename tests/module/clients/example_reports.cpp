#define REPORT_DEFINE_GLOBALS  // of the examples, which want them in exactly one place
#include <gtest/gtest.h>
#include <reporting.h>

#include <set>
#include <string>

#include "module/clients/example_reports.h"

namespace cowosim::clients {

ExampleReports* ExampleReports::current_ = nullptr;

ExampleReports::ExampleReports() : before_(sc_core::sc_report_handler::get_handler()) {
  current_ = this;
  REPORT_ENABLE_ALL_REPORTING();
  sc_core::sc_report_handler::set_actions(sc_core::SC_FATAL, sc_core::SC_THROW);  // instead of abort()
  sc_core::sc_report_handler::set_handler(handle);
}

ExampleReports::~ExampleReports() {
  sc_core::sc_report_handler::set_handler(before_);
  current_ = nullptr;
  for (const Expected& expected : expected_)
    EXPECT_GT(expected.seen, 0) << expected.file << " has not warned: " << expected.text;
}

void ExampleReports::handle(const sc_core::sc_report& report, const sc_core::sc_actions& actions) {
  static const std::set<std::string> files = {"traffic_generator.cpp",
                                              "select_initiator.cpp",
                                              "at_initiator_annotated.cpp",
                                              "at_initiator_explicit.cpp",
                                              "lt_initiator.cpp",
                                              "lt_td_initiator.cpp",
                                              "lt_dmi_initiator.cpp",
                                              "dmi_memory.cpp",
                                              "memory.cpp",
                                              "at_target_1_phase.cpp",
                                              "at_target_2_phase.cpp",
                                              "at_target_4_phase.cpp",
                                              "lt_target.cpp",
                                              "lt_synch_target.cpp",
                                              "lt_dmi_target.cpp"};
  const std::string file = report.get_msg_type();
  const std::string text = report.get_msg();
  if (report.get_severity() == sc_core::SC_INFO && files.count(file) != 0) {
    if (text.find("Traffic Generator Complete") != std::string::npos) ++current_->finished_;
    return;
  }
  if (report.get_severity() == sc_core::SC_WARNING) {
    for (Expected& expected : current_->expected_) {
      if (file != expected.file || text.find(expected.text) == std::string::npos) continue;
      ++expected.seen;
      return;
    }
  }
  current_->before_(report, actions);
}

}  // namespace cowosim::clients
