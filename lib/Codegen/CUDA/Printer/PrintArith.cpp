//===- PrintArith.cpp - Text of arith and math ops ------------------------===//
#include "CudaPrinter.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace tenon::codegen::cuda {

namespace {

struct Operator {
  StringLiteral op, symbol;
  Binding binding;
  bool isUnsigned = false;
};

/// x op y. Index values are never negative where they are divided.
constexpr Operator operators[] = {
    {"arith.addf", " + ", Binding::Add},
    {"arith.addi", " + ", Binding::Add},
    {"arith.subf", " - ", Binding::Add},
    {"arith.subi", " - ", Binding::Add},
    {"arith.mulf", " * ", Binding::Multiply},
    {"arith.muli", " * ", Binding::Multiply},
    {"arith.divf", " / ", Binding::Multiply},
    {"arith.divsi", " / ", Binding::Multiply},
    {"arith.divui", " / ", Binding::Multiply, true},
    {"arith.remsi", " % ", Binding::Multiply},
    {"arith.remui", " % ", Binding::Multiply, true},
    {"arith.andi", " & ", Binding::BitAnd},
    {"arith.ori", " | ", Binding::BitOr},
    {"arith.xori", " ^ ", Binding::BitXor},
    {"arith.shli", " << ", Binding::Shift},
    {"arith.shrsi", " >> ", Binding::Shift},
    {"arith.shrui", " >> ", Binding::Shift, true},
};

struct Function {
  StringLiteral op, name;
};

/// Functions that are overloaded for every type.
constexpr Function functions[] = {
    {"arith.maximumf", "maximum"},  {"arith.minimumf", "minimum"},    {"arith.maxsi", "max"},
    {"arith.minsi", "min"},         {"arith.maxui", "max"},           {"arith.minui", "min"},
    {"arith.ceildivsi", "ceilDiv"}, {"arith.floordivsi", "floorDiv"}, {"math.absi", "abs"},
};

/// Functions with an f at the end for float.
constexpr Function floatFunctions[] = {
    {"arith.maxnumf", "fmax"}, {"arith.minnumf", "fmin"},     {"arith.remf", "fmod"},  {"math.absf", "fabs"},
    {"math.acos", "acos"},     {"math.acosh", "acosh"},       {"math.asin", "asin"},   {"math.asinh", "asinh"},
    {"math.atan", "atan"},     {"math.atan2", "atan2"},       {"math.atanh", "atanh"}, {"math.cbrt", "cbrt"},
    {"math.ceil", "ceil"},     {"math.copysign", "copysign"}, {"math.cos", "cos"},     {"math.cosh", "cosh"},
    {"math.erf", "erf"},       {"math.erfc", "erfc"},         {"math.exp", "exp"},     {"math.exp2", "exp2"},
    {"math.expm1", "expm1"},   {"math.floor", "floor"},       {"math.fma", "fma"},     {"math.log", "log"},
    {"math.log10", "log10"},   {"math.log1p", "log1p"},       {"math.log2", "log2"},   {"math.powf", "pow"},
    {"math.round", "round"},   {"math.roundeven", "rint"},    {"math.rsqrt", "rsqrt"}, {"math.sin", "sin"},
    {"math.sinh", "sinh"},     {"math.sqrt", "sqrt"},         {"math.tan", "tan"},     {"math.tanh", "tanh"},
    {"math.trunc", "trunc"},
};

StringRef symbolOf(arith::CmpIPredicate predicate) {
  switch (predicate) {
  case arith::CmpIPredicate::eq:
    return " == ";
  case arith::CmpIPredicate::ne:
    return " != ";
  case arith::CmpIPredicate::slt:
  case arith::CmpIPredicate::ult:
    return " < ";
  case arith::CmpIPredicate::sle:
  case arith::CmpIPredicate::ule:
    return " <= ";
  case arith::CmpIPredicate::sgt:
  case arith::CmpIPredicate::ugt:
    return " > ";
  case arith::CmpIPredicate::sge:
  case arith::CmpIPredicate::uge:
    return " >= ";
  }
  llvm_unreachable("every predicate is handled");
}

bool isUnsigned(arith::CmpIPredicate predicate) { return predicate >= arith::CmpIPredicate::ult; }

/// The C++ comparison that is false for NaN where the predicate is, and whether its result is to be inverted.
std::pair<StringRef, bool> symbolOf(arith::CmpFPredicate predicate) {
  switch (predicate) {
  case arith::CmpFPredicate::OEQ:
    return {" == ", false};
  case arith::CmpFPredicate::UNE:
    return {" != ", false};
  case arith::CmpFPredicate::OLT:
    return {" < ", false};
  case arith::CmpFPredicate::OLE:
    return {" <= ", false};
  case arith::CmpFPredicate::OGT:
    return {" > ", false};
  case arith::CmpFPredicate::OGE:
    return {" >= ", false};
  case arith::CmpFPredicate::UGE:
    return {" < ", true};
  case arith::CmpFPredicate::UGT:
    return {" <= ", true};
  case arith::CmpFPredicate::ULE:
    return {" > ", true};
  case arith::CmpFPredicate::ULT:
    return {" >= ", true};
  default:
    return {"", false};
  }
}

Binding above(Binding binding) { return static_cast<Binding>(static_cast<int>(binding) + 1); }

unsigned widthOf(Type type) {
  type = getElementTypeOrSelf(type);
  return type.isIndex() ? 64 : type.getIntOrFloatBitWidth();
}

} // namespace

/// The shortest digits that read back as `x`.
static std::string shortest(const APFloat &x) {
  for (unsigned precision = 1; precision < 18; ++precision) {
    SmallString<32> text;
    x.toString(text, precision, /*FormatMaxPadding=*/6);
    if (APFloat(x.getSemantics(), text) == x)
      return text.str().str();
  }
  SmallString<32> text;
  x.toString(text);
  return text.str().str();
}

std::string floatText(const APFloat &x, bool isDouble) {
  if (x.isInfinity())
    return x.isNegative() ? "-infinity()" : "infinity()";
  if (x.isNaN())
    return "notANumber()";
  std::string digits = shortest(x);
  if (StringRef(digits).find_first_of(".eE") == StringRef::npos)
    digits += ".0";
  return digits + (isDouble ? "" : "f");
}

/// prefix(value), without parentheses doubled.
std::string CudaPrinter::wrap(Value value, StringRef prefix) { return prefix.str() + "(" + text(value) + ")"; }

std::string CudaPrinter::constant(Attribute value, Type type) {
  if (auto number = dyn_cast<IntegerAttr>(value)) {
    if (type.isInteger(1))
      return number.getValue().isZero() ? "false" : "true";
    int64_t n = number.getValue().getSExtValue();
    if (n == INT64_MIN)
      return "(-9223372036854775807L - 1)";
    if (widthOf(type) == 32 && n == INT32_MIN)
      return "(-2147483647 - 1)";
    return std::to_string(n) + (widthOf(type) == 64 && !type.isIndex() ? "L" : "");
  }
  auto number = dyn_cast<FloatAttr>(value);
  if (!number) {
    refuse(kernel);
    return "?";
  }
  std::string digits = floatText(number.getValue(), type.isF64());
  return type.isF32() || type.isF64() ? digits : elementName(type) + "(" + digits + ")";
}

std::optional<Expression> CudaPrinter::buildArith(Operation *op) {
  if (!isa<arith::ArithDialect>(op->getDialect()) && !isa<math::AbsIOp>(op))
    return std::nullopt;
  if (auto cast = buildCast(op))
    return cast;
  if (auto compare = buildCompare(op))
    return compare;
  StringRef name = op->getName().getStringRef();
  Type type = getElementTypeOrSelf(op->getResult(0).getType());
  bool isNarrow = isa<IntegerType>(type) && widthOf(type) > 1 && widthOf(type) < 32;
  auto operand = [&](unsigned i, Binding least, bool asUnsigned) {
    Value v = op->getOperand(i);
    if (asUnsigned && !type.isIndex())
      return wrap(v, "uint" + std::to_string(std::max(widthOf(type), 8u)) + "_t");
    return text(v, least);
  };
  if (type.isInteger(1)) {
    std::string x = text(op->getOperand(0), Binding::And);
    if (isa<arith::AndIOp>(op))
      return Expression{x + " && " + text(op->getOperand(1), Binding::Equal), Binding::And};
    if (isa<arith::OrIOp>(op))
      return Expression{text(op->getOperand(0), Binding::Or) + " || " + text(op->getOperand(1), Binding::And),
                        Binding::Or};
    if (isa<arith::XOrIOp>(op) && matchPattern(op->getOperand(1), m_One()))
      return Expression{"!" + text(op->getOperand(0), Binding::Primary), Binding::Unary};
  }
  for (const Operator &o : operators)
    if (o.op == name) {
      Expression result{
          operand(0, o.binding, o.isUnsigned) + o.symbol.str() + operand(1, above(o.binding), o.isUnsigned), o.binding};
      return isNarrow ? Expression{elementName(type) + "(" + result.text + ")"} : result;
    }
  if (isa<arith::NegFOp>(op))
    return Expression{"-" + text(op->getOperand(0), Binding::Primary), Binding::Unary};
  if (isa<arith::SelectOp>(op))
    return Expression{text(op->getOperand(0), Binding::Or) + " ? " + text(op->getOperand(1), Binding::Or) + " : " +
                          text(op->getOperand(2), Binding::Ternary),
                      Binding::Ternary};
  bool asUnsigned = isa<arith::MaxUIOp, arith::MinUIOp>(op) && !type.isIndex();
  for (const Function &f : functions)
    if (f.op == name) {
      // Both arguments of a template must have one type: constants are ints.
      std::string arguments;
      for (unsigned i = 0; i < op->getNumOperands(); ++i) {
        bool needsType = asUnsigned || isNarrow ||
                         (type.isIndex() && options.wideIndex && matchPattern(op->getOperand(i), m_Constant()));
        std::string to = asUnsigned ? "uint" + std::to_string(widthOf(type)) + "_t" : elementName(type);
        arguments += (i ? ", " : "") + (needsType ? wrap(op->getOperand(i), to) : text(op->getOperand(i)));
      }
      Expression call{f.name.str() + "(" + arguments + ")"};
      return isNarrow ? Expression{elementName(type) + "(" + call.text + ")"} : call;
    }
  return buildMath(op);
}

std::optional<Expression> CudaPrinter::buildMath(Operation *op) {
  StringRef name = op->getName().getStringRef();
  for (const Function &f : floatFunctions)
    if (f.op == name) {
      Type type = getElementTypeOrSelf(op->getResult(0).getType());
      std::string function = f.name.str() + (type.isF64() ? "" : "f");
      if (type.isF64() || type.isF32())
        return buildCall(function, op->getOperands());
      std::string arguments;
      for (Value operand : op->getOperands())
        arguments += (arguments.empty() ? "" : ", ") + wrap(operand, "float");
      return Expression{elementName(type) + "(" + function + "(" + arguments + "))"};
    }
  return std::nullopt;
}

std::optional<Expression> CudaPrinter::buildCast(Operation *op) {
  if (!isa<CastOpInterface>(op))
    return std::nullopt;
  Value x = op->getOperand(0);
  Type from = getElementTypeOrSelf(x.getType()), to = getElementTypeOrSelf(op->getResult(0).getType());
  if (isa<arith::BitcastOp>(op))
    return Expression{"bitCast<" + elementName(to) + ">(" + text(x) + ")"};
  if (to.isInteger(1)) // truncation
    return Expression{"(" + text(x, Binding::BitAnd) + " & 1) != 0", Binding::Equal};
  bool isUnsignedSource = isa<arith::ExtUIOp, arith::UIToFPOp, arith::IndexCastUIOp>(op) && !from.isInteger(1);
  std::string source = isUnsignedSource ? wrap(x, "uint" + std::to_string(widthOf(from)) + "_t") : text(x);
  if (isa<arith::FPToUIOp>(op) && widthOf(to) < 64)
    source = "uint" + std::to_string(widthOf(to)) + "_t(" + source + ")";
  if (elementName(from) == elementName(to))
    return expression(x);
  bool isHalf = (from.isF16() || from.isBF16()) && !to.isF32();
  if (isHalf)
    source = "float(" + source + ")";
  return Expression{elementName(to) + "(" + source + ")"};
}

std::optional<Expression> CudaPrinter::buildCompare(Operation *op) {
  if (auto compare = dyn_cast<arith::CmpIOp>(op)) {
    Type type = getElementTypeOrSelf(compare.getLhs().getType());
    bool converts = isUnsigned(compare.getPredicate()) && !type.isIndex();
    auto side = [&](Value v) {
      return converts ? wrap(v, "uint" + std::to_string(std::max(widthOf(type), 8u)) + "_t") : text(v, Binding::Shift);
    };
    bool isEquality = compare.getPredicate() <= arith::CmpIPredicate::ne;
    return Expression{side(compare.getLhs()) + symbolOf(compare.getPredicate()).str() + side(compare.getRhs()),
                      isEquality ? Binding::Equal : Binding::Compare};
  }
  auto compare = dyn_cast<arith::CmpFOp>(op);
  if (!compare)
    return std::nullopt;
  auto [symbol, isInverted] = symbolOf(compare.getPredicate());
  std::string x = text(compare.getLhs(), Binding::Shift), y = text(compare.getRhs(), Binding::Shift);
  switch (compare.getPredicate()) {
  case arith::CmpFPredicate::UNO:
    return Expression{"isNaN(" + x + ") || isNaN(" + y + ")", Binding::Or};
  case arith::CmpFPredicate::ORD:
    return Expression{"!isNaN(" + x + ") && !isNaN(" + y + ")", Binding::And};
  case arith::CmpFPredicate::ONE:
    return Expression{x + " < " + y + " || " + x + " > " + y, Binding::Or};
  case arith::CmpFPredicate::UEQ:
    return Expression{"!(" + x + " < " + y + " || " + x + " > " + y + ")", Binding::Unary};
  default:
    if (symbol.empty())
      return Expression{compare.getPredicate() == arith::CmpFPredicate::AlwaysTrue ? "true" : "false"};
    std::string both = x + symbol.str() + y;
    bool isEquality = symbol == " == " || symbol == " != ";
    return isInverted ? Expression{"!(" + both + ")", Binding::Unary}
                      : Expression{both, isEquality ? Binding::Equal : Binding::Compare};
  }
}

} // namespace tenon::codegen::cuda
