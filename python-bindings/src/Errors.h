//===- Errors.h - Errors of the C interface as Python exceptions ----------===//
#ifndef TENON_PYTHON_ERRORS_H
#define TENON_PYTHON_ERRORS_H

#include "tenon-c/runtime.h"
#include <cstring>
#include <nanobind/nanobind.h>

namespace tenon::python {

/// Text that may come from a file and need not be UTF-8.
inline nanobind::str text(const char *bytes) {
  return nanobind::steal<nanobind::str>(PyUnicode_DecodeUTF8(bytes, Py_ssize_t(std::strlen(bytes)), "surrogateescape"));
}

/// Raises tenon.Error and destroys `error`; does nothing where it is null.
inline void check(TenonError *error) {
  if (!error)
    return;
  nanobind::object type = nanobind::module_::import_("tenon._errors").attr("Error");
  nanobind::object value = type(text(tenon_error_code(error)), text(tenon_error_message(error)),
                                text(tenon_error_remedy(error)), text(tenon_error_node(error)));
  tenon_error_destroy(error);
  PyErr_SetObject(type.ptr(), value.ptr());
  throw nanobind::python_error();
}

} // namespace tenon::python

#endif // TENON_PYTHON_ERRORS_H
