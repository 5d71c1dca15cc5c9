#include "yjs/state_vector.hpp"

#include "yjs/buffer.hpp"
#include "yjs/input.hpp"

namespace tandem::yjs {

base::Result<StateVector> decode_state_vector(std::string_view bytes) {
    Input in(bytes);
    StateVector vector;
    uint64_t count = in.var_uint();
    for (uint64_t i = 0; i < count && in.ok(); ++i) {
        uint64_t client = in.var_uint();
        uint32_t clock = in.var_uint32();
        if (in.ok()) vector[client] = clock;
    }
    if (!in.ok()) return base::fail(base::ErrorCode::malformed);
    return vector;
}

std::string encode_state_vector(const StateVector& vector) {
    Buffer out;
    out.var_uint(vector.size());
    for (const auto& [client, clock] : vector) {
        out.var_uint(client);
        out.var_uint(clock);
    }
    return out.str();
}

}  // namespace tandem::yjs
