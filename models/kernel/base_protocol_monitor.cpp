#include "kernel/base_protocol_monitor.h"

#include <algorithm>

namespace cowosim::kernel {

namespace {

using Interface = tlm::tlm_fw_transport_if<>;

bool calls(const sc_core::sc_object& object, const Interface& interface) {
  auto* port = dynamic_cast<const sc_core::sc_port_b<Interface>*>(&object);
  if (port == nullptr) return false;
  for (int i = 0; i < port->size(); ++i) {
    if ((*port)[i] == &interface) return true;
  }
  return false;
}

bool is_called(const sc_core::sc_object& object, const Interface& interface) {
  auto* socket = dynamic_cast<const sc_core::sc_export<Interface>*>(&object);
  return socket != nullptr && socket->get_interface() == static_cast<const sc_core::sc_interface*>(&interface);
}

std::string innermost(bool (*matches)(const sc_core::sc_object&, const Interface&), const Interface& interface) {
  std::string best;
  std::ptrdiff_t depth = -1;
  std::vector<sc_core::sc_object*> objects = sc_core::sc_get_top_level_objects();
  while (!objects.empty()) {
    const sc_core::sc_object* object = objects.back();
    objects.pop_back();
    const auto& children = object->get_child_objects();
    objects.insert(objects.end(), children.begin(), children.end());
    if (!matches(*object, interface)) continue;
    const std::string name = object->name();
    const std::ptrdiff_t dots = std::count(name.begin(), name.end(), '.');
    if (dots > depth) {
      best = name;
      depth = dots;
    }
  }
  return best;
}

}  // namespace

std::string calling_socket(const Interface& interface) { return innermost(calls, interface); }
std::string called_socket(const Interface& interface) { return innermost(is_called, interface); }

void report_base_protocol(const std::string& message) { SC_REPORT_WARNING("/cowosim/base_protocol", message.c_str()); }

}  // namespace cowosim::kernel
