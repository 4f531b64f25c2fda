//===- CollectiveOps.td - What ranks say to each other ----------------------===//
//
// Apart from GraphOps.td, as few files need it (see SpecialOps.td).
//
//===----------------------------------------------------------------------===//
#ifndef GRAPH_COLLECTIVE_OPS
#define GRAPH_COLLECTIVE_OPS

include "Graph/IR/GraphOpBase.td"

// A partitioned module holds a function for each rank (`graph.rank`). These ops are where they meet. `group` lists the
// ranks that take part, in the order of the parts, the function's own among them; every one of them has an op of the same
// kind with the same group, and all ops of a group stand in the same order in all its functions. Ops of a rank happen
// one after the other. Parts need not be equal, nor hold an element: `extents` are those of each member along an axis.
//
// They are no Pure ops: none may be moved over another, and one whose result nobody reads still serves the others.

class Graph_Collective<string mnemonic, list<Trait> traits = []>
    : Graph_Op<mnemonic, !listconcat([MemoryEffects<[MemRead, MemWrite]>], traits)>;

def AllReduceOp : Graph_Collective<"all_reduce", [SameOperandsAndResultType]> {
  let summary = "The members' tensors combined, element by element, on each of them";
  let description = [{
    `kind`: sum, prod, min or max. Combined in the order of the group, so that all members have the same bits.
    C1 the group holds at least two ranks, none twice.  C2 the kind is known.
  }];
  let arguments = (ins AnyRankedTensor:$x, StrAttr:$kind, DenseI64ArrayAttr:$group);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = "$kind $x `group` $group attr-dict `:` type($x)";
  let hasVerifier = 1;
}

def AllGatherOp : Graph_Collective<"all_gather"> {
  let summary = "The members' tensors joined along an axis, on each of them";
  let description = [{
    C1 the group holds at least two ranks, none twice.  C2 0 <= axis < rank.  C3 one extent a member; the result's extent
    along the axis is their sum, its other dimensions are those of x.
  }];
  let arguments = (ins AnyRankedTensor:$x, I64Attr:$axis, Graph_ShapeAttr:$extents, DenseI64ArrayAttr:$group);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = "$x `axis` $axis `extents` $extents `group` $group attr-dict `:` type($x) `->` type($result)";
  let hasVerifier = 1;
}

def ReduceScatterOp : Graph_Collective<"reduce_scatter"> {
  let summary = "The members' tensors combined, and each member's part along an axis of that";
  let description = [{
    `kind` as graph.all_reduce's.  C1 the group holds at least two ranks, none twice.  C2 0 <= axis < rank, the kind is
    known.  C3 one extent a member; their sum is the extent of x along the axis, other dimensions stay.
  }];
  let arguments = (ins AnyRankedTensor:$x, StrAttr:$kind, I64Attr:$axis, Graph_ShapeAttr:$extents,
                       DenseI64ArrayAttr:$group);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = [{
    $kind $x `axis` $axis `extents` $extents `group` $group attr-dict `:` type($x) `->` type($result)
  }];
  let hasVerifier = 1;
}

def AllToAllOp : Graph_Collective<"all_to_all"> {
  let summary = "Parts along one axis become parts along another";
  let description = [{
    Member i sends the j-th part of its x along `split_axis` to member j; the result is what came, joined along
    `concat_axis` in the order of the group.
    C1 the group holds at least two ranks, none twice.  C2 both axes lie in [0, rank) and differ.  C3 `split_extents` and
    `concat_extents` have an extent a member; the first sum up to the extent of x along split_axis, the second to that of
    the result along concat_axis.
  }];
  let arguments = (ins AnyRankedTensor:$x, I64Attr:$split_axis, Graph_ShapeAttr:$split_extents, I64Attr:$concat_axis,
                       Graph_ShapeAttr:$concat_extents, DenseI64ArrayAttr:$group);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = [{
    $x `split` $split_axis $split_extents `concat` $concat_axis $concat_extents `group` $group attr-dict
    `:` type($x) `->` type($result)
  }];
  let hasVerifier = 1;
}

def SendOp : Graph_Collective<"send"> {
  let summary = "Gives a tensor to another rank";
  let description = [{
    The n-th send of a rank to another meets that one's n-th graph.receive from it; shapes and types agree. May wait for
    it: nothing is promised about buffers between them.  C1 the peer is not negative.
  }];
  let arguments = (ins AnyRankedTensor:$x, I64Attr:$peer);
  let assemblyFormat = "$x `to` $peer attr-dict `:` type($x)";
  let hasVerifier = 1;
}

def ReceiveOp : Graph_Collective<"receive"> {
  let summary = "Takes a tensor from another rank";
  let description = "See graph.send.  C1 the peer is not negative.";
  let arguments = (ins I64Attr:$peer);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = "`from` $peer attr-dict `:` type($result)";
  let hasVerifier = 1;
}

#endif // GRAPH_COLLECTIVE_OPS
