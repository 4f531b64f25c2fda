# Writes OUTPUT, a C++ file that defines tenon::deviceHeaders() with the text of each of HEADERS (paths below ROOT).
# Run as: cmake -DROOT=... -DHEADERS=a|b -DOUTPUT=... -P EmbedHeaders.cmake
string(REPLACE "|" ";" HEADERS "${HEADERS}")
set(text "// Written by EmbedHeaders.cmake.\n#include \"tenon/Runtime/DeviceHeaders.h\"\n\n")
string(APPEND text "const std::vector<tenon::DeviceHeader> &tenon::deviceHeaders() {\n")
string(APPEND text "  static const std::vector<DeviceHeader> headers = {\n")
foreach(header IN LISTS HEADERS)
  file(READ ${ROOT}/${header} content)
  string(APPEND text "{\"${header}\", R\"tenon-header(${content})tenon-header\"},\n")
endforeach()
string(APPEND text "  };\n  return headers;\n}\n")
file(WRITE ${OUTPUT} "${text}")
