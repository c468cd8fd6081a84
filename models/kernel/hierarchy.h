// Objects made outside of their module's constructor, and yet below it.
#pragma once

#include <systemc>

namespace cowosim::kernel {

/// While it lives, new sc_objects become children of `module`. During elaboration only.
class HierarchyScope {
 public:
#if defined(SC_VERSION_MAJOR) && SC_VERSION_MAJOR >= 3
  explicit HierarchyScope(sc_core::sc_module& module) : scope_((module.*(&Opener::get_hierarchy_scope))()) {}

 private:
  struct Opener : sc_core::sc_module {  // the standard keeps it for modules themselves: it is protected
    using sc_core::sc_module::get_hierarchy_scope;
  };
  sc_core::sc_hierarchy_scope scope_;
#else
  explicit HierarchyScope(sc_core::sc_module& module) : context_(module.simcontext()) {
    context_->hierarchy_push(&module);
  }
  ~HierarchyScope() { context_->hierarchy_pop(); }
  HierarchyScope(const HierarchyScope&) = delete;
  HierarchyScope& operator=(const HierarchyScope&) = delete;

 private:
  sc_core::sc_simcontext* context_;
#endif
};

}  // namespace cowosim::kernel
