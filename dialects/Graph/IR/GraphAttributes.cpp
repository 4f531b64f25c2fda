//===- GraphAttributes.cpp - Syntax of symbolic extents -------------------===//
#include "Graph/IR/GraphAttributes.h"

#include "Graph/IR/DimExpr.h"
#include "Graph/IR/GraphDialect.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace tenon::graph;

#define GET_ATTRDEF_CLASSES
#include "Graph/IR/GraphAttributes.cpp.inc"

void GraphDialect::registerAttributes() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "Graph/IR/GraphAttributes.cpp.inc"
      >();
}

//===----------------------------------------------------------------------===//
// Parsing: sum, term, factor as in the grammar of Graph_DimAttr.
//===----------------------------------------------------------------------===//

static FailureOr<DimAttr> parseSum(AsmParser &parser, int depth);

static FailureOr<DimAttr> parseCall(AsmParser &parser, StringRef name, int depth) {
  if (failed(parser.parseLParen()))
    return failure();
  auto a = parseSum(parser, depth);
  if (failed(a) || failed(parser.parseComma()))
    return failure();
  auto b = parseSum(parser, depth);
  if (failed(b) || failed(parser.parseRParen()))
    return failure();
  DimAttr result = name == "min" ? min(*a, *b) : name == "max" ? max(*a, *b) : broadcast(*a, *b);
  if (!result)
    return parser.emitError(parser.getCurrentLocation(), "extents do not broadcast"), failure();
  return result;
}

static FailureOr<DimAttr> parseFactor(AsmParser &parser, int depth) {
  if (depth > maxDimDepth)
    return parser.emitError(parser.getCurrentLocation(), "extent is nested too deeply"), failure();
  int64_t integer;
  if (OptionalParseResult result = parser.parseOptionalInteger(integer); result.has_value()) {
    if (failed(*result))
      return failure();
    return DimAttr::constant(parser.getContext(), integer);
  }
  if (succeeded(parser.parseOptionalLParen())) {
    auto e = parseSum(parser, depth + 1);
    if (failed(e) || failed(parser.parseRParen()))
      return failure();
    return e;
  }
  std::string quoted;
  if (succeeded(parser.parseOptionalString(&quoted)))
    return DimAttr::symbol(parser.getContext(), quoted);
  StringRef keyword;
  if (failed(parser.parseKeyword(&keyword)))
    return failure();
  if (keyword == "min" || keyword == "max" || keyword == "broadcast")
    return parseCall(parser, keyword, depth + 1);
  return DimAttr::symbol(parser.getContext(), keyword);
}

static FailureOr<DimAttr> parseTerm(AsmParser &parser, int depth) {
  auto e = parseFactor(parser, depth);
  while (succeeded(e)) {
    bool isProduct = succeeded(parser.parseOptionalStar());
    if (!isProduct && failed(parser.parseOptionalKeyword("floordiv")))
      return e;
    auto right = parseFactor(parser, depth);
    if (failed(right))
      return failure();
    e = isProduct ? *e * *right : floorDiv(*e, *right);
  }
  return e;
}

static FailureOr<DimAttr> parseSum(AsmParser &parser, int depth) {
  auto e = parseTerm(parser, depth);
  while (succeeded(e) && succeeded(parser.parseOptionalPlus())) {
    auto right = parseTerm(parser, depth);
    if (failed(right))
      return failure();
    e = *e + *right;
  }
  return e;
}

//===----------------------------------------------------------------------===//
// Printing
//===----------------------------------------------------------------------===//

static bool isPlainSymbol(StringRef name) {
  static constexpr StringRef reserved[] = {"min", "max", "broadcast", "floordiv"};
  return !name.empty() && (llvm::isAlpha(name[0]) || name[0] == '_') && !llvm::is_contained(reserved, name) &&
         llvm::all_of(name, [](char c) { return llvm::isAlnum(c) || c == '_' || c == '.' || c == '$'; });
}

static void printExpr(raw_ostream &os, DimAttr e, bool parenthesize) {
  auto join = [&](StringRef separator) {
    llvm::interleave(e.dims(), os, [&](DimAttr d) { printExpr(os, d, separator != " + "); }, separator);
  };
  bool open = parenthesize && !e.getOperands().empty() && e.getKind() < DimKind::Min;
  os << (open ? "(" : "");
  switch (e.getKind()) {
  case DimKind::Constant:
    os << e.getValue();
    break;
  case DimKind::Symbol:
    if (isPlainSymbol(e.getName().getValue()))
      os << e.getName().getValue();
    else
      os << e.getName();
    break;
  case DimKind::Sum:
    join(" + ");
    if (e.getValue() != 0)
      os << " + " << e.getValue();
    break;
  case DimKind::Product:
    if (e.getValue() != 1)
      os << e.getValue() << " * ";
    join(" * ");
    break;
  case DimKind::FloorDiv:
    join(" floordiv ");
    break;
  default:
    os << (e.getKind() == DimKind::Min ? "min" : e.getKind() == DimKind::Max ? "max" : "broadcast") << "(";
    llvm::interleaveComma(e.dims(), os, [&](DimAttr d) { printExpr(os, d, false); });
    os << ")";
  }
  os << (open ? ")" : "");
}

Attribute DimAttr::parse(AsmParser &parser, Type) {
  if (failed(parser.parseLess()))
    return {};
  auto e = parseSum(parser, 0);
  if (failed(e) || failed(parser.parseGreater()))
    return {};
  return *e;
}

void DimAttr::print(AsmPrinter &printer) const {
  printer << "<";
  printExpr(printer.getStream(), *this, false);
  printer << ">";
}

Attribute ShapeAttr::parse(AsmParser &parser, Type) {
  SmallVector<DimAttr> dims;
  auto parseDim = [&]() -> ParseResult {
    auto e = parseSum(parser, 0);
    if (failed(e))
      return failure();
    dims.push_back(*e);
    return success();
  };
  if (parser.parseLess() || parser.parseCommaSeparatedList(AsmParser::Delimiter::Square, parseDim) ||
      parser.parseGreater())
    return {};
  return get(parser.getContext(), dims);
}

void ShapeAttr::print(AsmPrinter &printer) const {
  printer << "<[";
  llvm::interleaveComma(getDims(), printer.getStream(), [&](DimAttr d) { printExpr(printer.getStream(), d, false); });
  printer << "]>";
}

LogicalResult ShapeAttr::verifyEncoding(ArrayRef<int64_t> shape, Type,
                                        function_ref<InFlightDiagnostic()> emitError) const {
  if (shape.size() != size())
    return emitError() << "shape names " << size() << " dimensions of a tensor of rank " << shape.size();
  for (auto [i, extent] : llvm::enumerate(shape))
    if (getDims()[i].getConstant().value_or(ShapedType::kDynamic) != extent)
      return emitError() << "dimension " << i << " of the shape does not agree with the tensor type";
  return success();
}
