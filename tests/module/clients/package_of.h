// A package whose platform a test writes down.
#pragma once

#include <gtest/gtest.h>

#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "platforms/package.h"

namespace cowosim::clients {

/// `workload` empty: none of the package's own.
inline RunOptions platform_of(const std::string& text, const std::string& workload = "",
                              std::vector<std::string> settings = {}) {
  const std::string name = testing::UnitTest::GetInstance()->current_test_info()->name();
  const std::string file = testing::TempDir() + "clients_" + name + ".yaml";
  std::ofstream(file) << text;
  RunOptions options;
  options.platform = file;
  if (!workload.empty()) options.workloads = {{"own", workload}};
  options.settings = std::move(settings);
  options.check = true;
  return options;
}

/// What `name` has sent; nobody else has sent anything.
inline telemetry::StreamResult only_stream(const Package& package, const std::string& name) {
  telemetry::StreamResult found;
  for (const telemetry::StreamResult& stream : package.results().streams) {
    if (stream.name == name) {
      found = stream;
    } else {
      EXPECT_EQ(stream.transactions, 0u) << stream.name;
    }
  }
  EXPECT_EQ(found.name, name);
  return found;
}

}  // namespace cowosim::clients
