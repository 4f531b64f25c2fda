//===- Device.cpp - Reading device descriptions ---------------------------===//
#include "tenon/Cost/Device.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <fstream>
#include <map>
#include <sstream>

namespace tenon::cost {

/// Name and text of every file of lib/Cost/Devices; written by the build.
extern const char *const embeddedDevices[];
extern const size_t embeddedDeviceCount;

std::string_view unitName(Unit unit) {
  static constexpr std::string_view names[unitCount] = {"f32", "tf32", "f16", "bf16", "i8"};
  return names[size_t(unit)];
}

namespace {

constexpr size_t maxDescription = 64 * 1024; ///< bytes

std::string_view trim(std::string_view text) {
  constexpr std::string_view blank = " \t\r";
  size_t first = text.find_first_not_of(blank);
  return first == text.npos ? "" : text.substr(first, text.find_last_not_of(blank) - first + 1);
}

Status malformed(size_t line, const std::string &what) {
  return Status::error("TN9030", "line " + std::to_string(line) + " of a device description: " + what);
}

/// How a figure is written, and where it goes.
struct Figure {
  double factor; ///< of the number in the text
  double *real = nullptr;
  int64_t *integer = nullptr;
  bool gpuOnly = false;
  bool optional = false;
};

class Parser {
public:
  Parser() { declare(); }
  Status parseLine(std::string_view text, size_t line);
  Status finish(size_t line) const;

  Device device;

private:
  void declare();
  Status setWord(std::string_view name, std::string_view value, size_t line);
  Status setFigure(const std::string &name, std::string_view value, std::string_view source, size_t line);

  std::map<std::string, Figure, std::less<>> figures;
  std::map<std::string, size_t, std::less<>> seen; ///< name -> line
};

void Parser::declare() {
  device.rates.fill(0);
  auto rate = [&](Unit unit) { return &device.rates[size_t(unit)]; };
  figures = {
      {"units", {1, nullptr, &device.units}},
      {"clock_mhz", {1e6, &device.clock}},
      {"f32_tflops", {1e12, rate(Unit::F32)}},
      {"tf32_tflops", {1e12, rate(Unit::TF32), nullptr, true, true}},
      {"f16_tflops", {1e12, rate(Unit::F16), nullptr, true, true}},
      {"bf16_tflops", {1e12, rate(Unit::BF16), nullptr, true, true}},
      {"i8_tops", {1e12, rate(Unit::I8), nullptr, false, true}},
      {"memory_gb", {1e9, nullptr, &device.memoryBytes}},
      {"memory_gb_per_s", {1e9, &device.memoryBandwidth}},
      {"cache_mb", {1 << 20, nullptr, &device.cacheBytes}},
      {"cache_gb_per_s", {1e9, &device.cacheBandwidth}},
      {"shared_kb_per_unit", {1024, nullptr, &device.sharedBytesPerUnit, true}},
      {"shared_kb_per_block", {1024, nullptr, &device.sharedBytesPerBlock, true}},
      {"registers_per_unit", {1, nullptr, &device.registersPerUnit, true}},
      {"threads_per_unit", {1, nullptr, &device.threadsPerUnit, true}},
      {"blocks_per_unit", {1, nullptr, &device.blocksPerUnit, true}},
      {"launch_us", {1e-6, &device.launchSeconds}},
  };
}

Status Parser::setWord(std::string_view name, std::string_view value, size_t line) {
  if (name == "title")
    device.title = value;
  else if (name == "arch")
    device.arch = value;
  else if (name == "kind" && (value == "gpu" || value == "cpu"))
    device.isGpu = value == "gpu";
  else if (name == "kind")
    return malformed(line, "kind is '" + std::string(value) + "', expected gpu or cpu");
  else if (std::all_of(value.begin(), value.end(),
                       [](unsigned char c) { return std::isalnum(c) || c == '-' || c == '_'; }))
    device.name = value;
  else
    return malformed(line, "a name has letters, digits, '-' and '_' only");
  return Status::success();
}

Status Parser::setFigure(const std::string &name, std::string_view value, std::string_view source, size_t line) {
  auto found = figures.find(name);
  if (found == figures.end())
    return malformed(line, "unknown name '" + name + "'");
  if (source.empty())
    return malformed(line, "'" + name + "' names no source: add it after '#'");
  double number = 0;
  auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
  if (error != std::errc() || end != value.data() + value.size() || !std::isfinite(number) || number <= 0 ||
      number > 1e9)
    return malformed(line, "'" + name + "' is '" + std::string(value) + "', expected a number above 0, at most 1e9");
  const Figure &figure = found->second;
  if (figure.real)
    *figure.real = number * figure.factor;
  else if ((*figure.integer = int64_t(number * figure.factor)) < 1)
    return malformed(line, "'" + name + "' is less than 1");
  return Status::success();
}

Status Parser::parseLine(std::string_view text, size_t line) {
  size_t hash = text.find('#');
  std::string_view content = trim(text.substr(0, hash)), source;
  if (hash != text.npos)
    source = trim(text.substr(hash + 1));
  if (content.empty())
    return Status::success();
  size_t equals = content.find('=');
  if (equals == content.npos)
    return malformed(line, "expected name = value  # source");
  std::string name(trim(content.substr(0, equals)));
  std::string_view value = trim(content.substr(equals + 1));
  if (!seen.try_emplace(name, line).second)
    return malformed(line, "'" + name.substr(0, 64) + "' is given twice");
  if (value.empty())
    return malformed(line, "'" + name.substr(0, 64) + "' has no value");
  if (name == "name" || name == "title" || name == "arch" || name == "kind")
    return setWord(name, value, line);
  return setFigure(name.substr(0, 64), value, source, line);
}

Status Parser::finish(size_t line) const {
  for (const char *word : {"name", "title", "kind", "arch"})
    if (!seen.count(word))
      return malformed(line, std::string("'") + word + "' is missing");
  for (const auto &[name, figure] : figures) {
    bool isWanted = !figure.optional && (device.isGpu || !figure.gpuOnly);
    if (isWanted && !seen.count(name))
      return malformed(line, "'" + name + "' is missing");
    if (!device.isGpu && figure.gpuOnly && seen.count(name))
      return malformed(seen.find(name)->second, "'" + name + "' is for GPUs");
  }
  return Status::success();
}

} // namespace

Expected<Device> parseDevice(std::string_view text) {
  Parser parser;
  size_t line = 0;
  if (text.size() > maxDescription)
    return malformed(1, "the description is longer than 64 KiB");
  for (std::string_view rest = text; !rest.empty();) {
    size_t end = rest.find('\n');
    TENON_RETURN_IF_ERROR(parser.parseLine(rest.substr(0, end), ++line));
    rest = end == rest.npos ? std::string_view() : rest.substr(end + 1);
  }
  TENON_RETURN_IF_ERROR(parser.finish(line));
  parser.device.text = text;
  return std::move(parser.device);
}

const std::vector<Device> &builtinDevices() {
  static const std::vector<Device> devices = [] {
    std::vector<Device> all;
    for (size_t i = 0; i < embeddedDeviceCount; ++i) {
      auto device = parseDevice(embeddedDevices[i]);
      assert(device && "a test parses every description of lib/Cost/Devices");
      if (device)
        all.push_back(std::move(*device));
    }
    std::sort(all.begin(), all.end(), [](const Device &a, const Device &b) { return a.name < b.name; });
    return all;
  }();
  return devices;
}

Expected<Device> findDevice(const std::string &nameOrPath) {
  std::string known;
  for (const Device &device : builtinDevices()) {
    if (device.name == nameOrPath)
      return device;
    known += (known.empty() ? "" : ", ") + device.name;
  }
  if (nameOrPath.find_first_of("/.") == std::string::npos)
    return Status::error("TN9031", "there is no device '" + nameOrPath + "'", "",
                         "choose among " + known + ", or give the path of a description");
  std::ifstream file(nameOrPath, std::ios::binary);
  std::string text(maxDescription + 1, '\0');
  if (!file.read(text.data(), std::streamsize(text.size())) && !file.eof())
    return Status::error("TN9031", "the device description '" + nameOrPath + "' cannot be read");
  text.resize(size_t(file.gcount()));
  return parseDevice(text);
}

const Device *deviceOfArch(std::string_view arch) {
  // PTX runs on anything later: the oldest device is the careful choice. sm_86 has no description of its own; the L4 is
  // its successor with as many threads and as much shared memory.
  static constexpr std::pair<std::string_view, std::string_view> table[] = {{"sm_80", "a100"},
                                                                            {"sm_86", "l4"},
                                                                            {"sm_89", "l4"},
                                                                            {"sm_90a", "h100"},
                                                                            {"sm_100a", "b200"},
                                                                            {"compute_80", "a100"},
                                                                            {"x86-64-v4-vnni", "xeon-avx512"},
                                                                            {"x86-64-v4", "xeon-avx512"},
                                                                            {"x86-64-v3-vnni", "cpu-avx2"},
                                                                            {"x86-64-v3", "cpu-avx2"}};
  for (auto [known, name] : table)
    if (known == arch)
      for (const Device &device : builtinDevices())
        if (device.name == name)
          return &device;
  return nullptr;
}

} // namespace tenon::cost
