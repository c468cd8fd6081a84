#include "telemetry/html.h"

#include <fmt/format.h>

namespace cowosim::telemetry {

namespace {

constexpr const char* kStyle = R"(
body{font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;color:#1f2933;background:#fff;max-width:1040px;margin:2rem auto;padding:0 1.25rem}
h1{font-size:1.5rem;margin:0 0 .5rem}h2{font-size:1.1rem;margin:2.2rem 0 .4rem;padding-top:.9rem;border-top:1px solid #e4e7eb}
p{margin:.4rem 0}.note{color:#616e7c;font-size:.9rem}.warning{background:#fff3cd;border:1px solid #e69f00;border-radius:6px;padding:.5rem .9rem}
.answer{font-size:1.12rem}.tiles{display:flex;flex-wrap:wrap;gap:.7rem;margin:1.1rem 0}
.tiles div{background:#f5f7fa;border-radius:8px;padding:.6rem 1rem;min-width:7rem}.tiles b{display:block;font-size:1.2rem}
.tiles span{color:#616e7c;font-size:.85rem}svg{width:100%;height:auto;display:block;margin:.5rem 0}
svg text{font:13px system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;fill:#1f2933}
table{border-collapse:collapse;width:100%;font-size:.9rem;margin:.6rem 0}th{text-align:left;color:#616e7c;font-weight:600}th.number{text-align:right}
th,td{padding:.25rem .6rem;border-bottom:1px solid #e4e7eb}.number{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}.heat th:nth-child(n+3){text-align:right}
.legend span{display:inline-block;margin-right:1rem;font-size:.87rem}.legend i{display:inline-block;width:.8em;height:.8em;border-radius:2px;margin-right:.35em}
footer{margin-top:2.5rem;padding-top:.8rem;border-top:1px solid #e4e7eb;color:#616e7c;font-size:.85rem}code{font-size:.9em}a{color:#0072b2}
)";

}  // namespace

std::string escaped(std::string_view text) {
  std::string result;
  for (const char c : text) {
    switch (c) {
      case '&':
        result += "&amp;";
        break;
      case '<':
        result += "&lt;";
        break;
      case '>':
        result += "&gt;";
        break;
      case '"':
        result += "&quot;";
        break;
      default:
        result += c;
    }
  }
  return result;
}

std::string html_head(const std::string& title) {
  return fmt::format(
      "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" "
      "content=\"width=device-width\">\n"
      "<title>{}</title>\n<style>{}</style></head><body>\n<h1>{}</h1>\n",
      escaped(title), kStyle, escaped(title));
}

Drawing::Drawing(double height, const std::string& label)
    : text_(fmt::format("<svg viewBox=\"0 0 {:.0f} {:.0f}\" role=\"img\" aria-label=\"{}\">\n", kPage, height,
                        escaped(label))) {}

void Drawing::box(double x, double y, double width, double height, const char* colour, const std::string& tip) {
  if (width <= 0) return;
  text_ += fmt::format(
      "<rect x=\"{:.2f}\" y=\"{:.2f}\" width=\"{:.2f}\" height=\"{:.2f}\" fill=\"{}\"><title>{}</title></rect>\n", x, y,
      width, height, colour, escaped(tip));
}

void Drawing::line(const std::vector<std::pair<double, double>>& points, const char* colour, const std::string& tip) {
  text_ += fmt::format("<polyline fill=\"none\" stroke=\"{}\" stroke-width=\"2\" points=\"", colour);
  for (const auto& [x, y] : points) text_ += fmt::format("{:.2f},{:.2f} ", x, y);
  text_ += fmt::format("\"><title>{}</title></polyline>\n", escaped(tip));
}

void Drawing::label(double x, double y, const std::string& words, const char* anchor) {
  text_ += fmt::format("<text x=\"{:.2f}\" y=\"{:.2f}\" text-anchor=\"{}\">{}</text>\n", x, y, anchor, escaped(words));
}

std::string section(const std::string& title, const std::string& note, const std::string& body) {
  if (body.empty()) return "";
  return fmt::format("<section><h2>{}</h2>\n{}{}</section>\n", escaped(title),
                     note.empty() ? "" : "<p class=\"note\">" + escaped(note) + "</p>\n", body);
}

std::string legend(const std::vector<std::pair<std::string, const char*>>& entries) {
  std::string text = "<p class=\"legend\">";
  for (const auto& [name, colour] : entries)
    text += fmt::format("<span><i style=\"background:{}\"></i>{}</span>", colour, escaped(name));
  return text + "</p>\n";
}

std::string table(const std::vector<std::string>& headers, const std::vector<std::vector<std::string>>& rows) {
  std::string text = "<table><tr>";
  const auto open = [&](std::size_t column) { return headers[column][0] == '>' ? " class=\"number\"" : ""; };
  for (std::size_t c = 0; c < headers.size(); ++c)
    text += fmt::format("<th{}>{}</th>", open(c), escaped(headers[c].substr(headers[c][0] == '>' ? 1 : 0)));
  text += "</tr>\n";
  for (const auto& row : rows) {
    text += "<tr>";
    for (std::size_t c = 0; c < row.size(); ++c) text += fmt::format("<td{}>{}</td>", open(c), escaped(row[c]));
    text += "</tr>\n";
  }
  return text + "</table>\n";
}

}  // namespace cowosim::telemetry
