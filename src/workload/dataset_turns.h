// Conversations inside datasets: a list of turns with the roles seen in the wild, and what a prompt
// is made of. Readers keep the whole conversation up to here, so that whole sessions can be drawn
// from it later.
#pragma once

#include <vector>

#include "workload/dataset_format.h"

namespace tacho {

/// Reads [{"from" or "role": …, "value" or "content" or "text": …}, …]. The roles become "user",
/// "assistant", "system", or "tool"; unknown ones are kept as they are.
JsonError read_turns(JsonValue& list, std::vector<Message>& turns, bool& broken);

/// Makes the first exchange an entry: the first system message that stands before the first human
/// one, that human message, and the assistant's next words as the reply. Sets `unusable` when no
/// human speaks.
void take_first_exchange(std::vector<Message> turns, DatasetEntry& entry);

}  // namespace tacho
