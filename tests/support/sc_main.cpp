// Entry point of test programs that use SystemC: libsystemc's main calls this one.
#include <gmock/gmock.h>

#include <systemc>

namespace {

/// A warning nobody reads is a bug nobody finds: it fails the test. Errors throw, as always.
void report(const sc_core::sc_report& report, const sc_core::sc_actions& actions) {
  if (report.get_severity() == sc_core::SC_WARNING) {
    ADD_FAILURE_AT(report.get_file_name(), report.get_line_number())
        << report.get_msg_type() << ": " << report.get_msg();
    return;
  }
  sc_core::sc_report_handler::default_handler(report, actions);
}

}  // namespace

int sc_main(int argc, char** argv) {
  testing::InitGoogleMock(&argc, argv);
  sc_core::sc_report_handler::set_handler(report);
  return RUN_ALL_TESTS();
}
