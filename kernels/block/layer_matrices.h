// The matrices of one layer, to loop over.
#pragma once

#include "kernels/block/block.h"
#include "kernels/model/model.h"

namespace wattline::kernels {

inline constexpr Matrix Layer::*kLayerMatrices[] = {
    &Layer::attn_q,   &Layer::attn_k, &Layer::attn_v,  &Layer::attn_output,
    &Layer::ffn_gate, &Layer::ffn_up, &Layer::ffn_down};

inline constexpr Matrix BertLayer::*kBertMatrices[] = {&BertLayer::attn_q, &BertLayer::attn_k,
                                                       &BertLayer::attn_v, &BertLayer::attn_output,
                                                       &BertLayer::ffn_up, &BertLayer::ffn_down};

}  // namespace wattline::kernels
