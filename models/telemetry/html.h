// The look of every page we write: one self-contained HTML file, no scripts, nothing fetched.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace cowosim::telemetry {

// Okabe and Ito's palette: told apart with any colour vision.
inline constexpr const char* kData = "#0072b2";
inline constexpr const char* kOther = "#d55e00";
inline constexpr double kPage = 1000;  ///< width of every drawing, in its own units

/// Text as HTML.
std::string escaped(std::string_view text);
/// Everything up to the heading of the page.
std::string html_head(const std::string& title);

/// One drawing: rectangles, lines and labels in a coordinate system of kPage units across.
class Drawing {
 public:
  Drawing(double height, const std::string& label);
  void box(double x, double y, double width, double height, const char* colour, const std::string& tip);
  void line(const std::vector<std::pair<double, double>>& points, const char* colour, const std::string& tip);
  void label(double x, double y, const std::string& words, const char* anchor = "start");
  std::string done() const { return text_ + "</svg>\n"; }

 private:
  std::string text_;
};

/// Nothing where `body` is empty.
std::string section(const std::string& title, const std::string& note, const std::string& body);
/// Names and their colours.
std::string legend(const std::vector<std::pair<std::string, const char*>>& entries);
/// A table; a header that begins with '>' is of numbers, set to the right. Cells are text.
std::string table(const std::vector<std::string>& headers, const std::vector<std::vector<std::string>>& rows);

}  // namespace cowosim::telemetry
