# Writes OUTPUT, a C++ file with the text of each of FILES as an element of embedded<ARRAY>, their number as
# embedded<ARRAY without s>Count. Run as: cmake -DFILES=a|b -DARRAY=Devices -DOUTPUT=... -P Embed.cmake
string(REPLACE "|" ";" FILES "${FILES}")
string(REGEX REPLACE "s$" "" one "${ARRAY}")
set(text "// Written by Embed.cmake.\n#include <cstddef>\n\nnamespace tenon::cost {\n")
string(APPEND text "extern const char *const embedded${ARRAY}[] = {\n")
foreach(file IN LISTS FILES)
  file(READ ${file} content)
  string(APPEND text "R\"tenon-text(${content})tenon-text\",\n")
endforeach()
list(LENGTH FILES count)
string(APPEND text "};\nextern const size_t embedded${one}Count = ${count};\n} // namespace tenon::cost\n")
file(WRITE ${OUTPUT} "${text}")
