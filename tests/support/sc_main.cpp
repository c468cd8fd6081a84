// Entry point of test programs that use SystemC: libsystemc's main calls this one.
#include <gmock/gmock.h>

#include <systemc>

int sc_main(int argc, char** argv) {
  testing::InitGoogleMock(&argc, argv);
  return RUN_ALL_TESTS();
}
