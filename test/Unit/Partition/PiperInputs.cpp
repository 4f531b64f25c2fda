//===- PiperInputs.cpp - Piper's profiled graphs --------------------------===//
#include "PiperInputs.h"

#include "llvm/Support/Error.h"
#include "llvm/Support/JSON.h"
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>

namespace tenon::partition {
namespace {

using llvm::json::Object;
using llvm::json::Value;

double numberOf(const Object &object, const char *key) { return object.getNumber(key).value_or(0); }

std::map<int, double> byNode(const Object &variant, const char *key) {
  std::map<int, double> result;
  for (const auto &[id, bytes] : *variant.getObject(key))
    result[std::atoi(id.str().c_str())] = bytes.getAsNumber().value_or(0);
  return result;
}

void readNode(const Object &node, StageProblem &problem, std::map<int, int> &layerOf) {
  int layer = layerOf.at(int(numberOf(node, "id")));
  problem.layers[layer].name = node.getString("name").value_or("").str();
  for (const auto &[degree, list] : *node.getObject("TMPCs")) {
    int tensor = std::atoi(degree.str().c_str());
    for (const Value &value : *list.getAsArray()) {
      const Object &variant = *value.getAsObject();
      problem.layers[layer].variants[tensor].push_back(
          {variant.getString("id").value_or("").str(), numberOf(variant, "timePerSample"),
           numberOf(variant, "parameterSize"), numberOf(variant, "memoryUsageA"), numberOf(variant, "memoryUsageB")});
      std::map<int, double> forward = byNode(variant, "syncTimeFw"), backward = byNode(variant, "syncTimeBw");
      for (Flow &flow : problem.flows) {
        for (const auto &[id, bytes] : forward)
          if (flow.to == layer && flow.from == layerOf.at(id))
            flow.gatherForward[tensor] = bytes;
        for (const auto &[id, bytes] : backward)
          if (flow.from == layer && flow.to == layerOf.at(id))
            flow.gatherBackward[tensor] = bytes;
      }
    }
  }
}

} // namespace

StageProblem readPiperInput(const std::string &folder, const std::string &name) {
  std::ifstream file(folder + "/" + name + ".json");
  std::stringstream text;
  text << file.rdbuf();
  llvm::Expected<Value> value = llvm::json::parse(text.str());
  if (!value) {
    std::fprintf(stderr, "%s/%s.json: %s\n", folder.c_str(), name.c_str(), toString(value.takeError()).c_str());
    std::exit(1);
  }
  const Object &root = *value->getAsObject();
  StageProblem problem;
  problem.microBatches = int(numberOf(root, "mbsInBatch"));
  std::map<int, int> layerOf;
  for (const Value &node : *root.getArray("nodes"))
    layerOf.emplace(int(numberOf(*node.getAsObject(), "id")), int(layerOf.size()));
  problem.layers.resize(layerOf.size());
  for (const Value &edge : *root.getArray("edges")) {
    const Object &object = *edge.getAsObject();
    problem.flows.push_back({layerOf.at(int(numberOf(object, "sourceId"))),
                             layerOf.at(int(numberOf(object, "destId"))),
                             numberOf(object, "communicationCost"),
                             {},
                             {}});
  }
  for (const Value &node : *root.getArray("nodes"))
    readNode(*node.getAsObject(), problem, layerOf);
  return problem;
}

std::vector<PiperRow> readPiperRows(const std::string &folder) {
  std::ifstream file(folder + "/expected.csv");
  std::vector<PiperRow> rows;
  std::string line;
  std::getline(file, line); // names of the columns
  while (std::getline(file, line)) {
    std::stringstream cells(line);
    std::string cell[4];
    for (std::string &text : cell)
      std::getline(cells, text, ',');
    rows.push_back({cell[0], std::atoi(cell[1].c_str()), std::atof(cell[2].c_str()), std::atof(cell[3].c_str())});
  }
  return rows;
}

StageProblem onMachine(StageProblem input, int devices, double gibibytes, int microBatches) {
  input.devices = devices;
  input.memory = gibibytes * double(1 << 30);
  input.bandwidth = 25.0 * double(1 << 30);
  input.microBatches = microBatches;
  return input;
}

} // namespace tenon::partition
