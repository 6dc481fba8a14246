package org.sparkrnn.driver.evaluation;

import java.util.Optional;

/** What a task that evaluated a part of a split tells the driver. */
interface EvaluatedPart {
  /** Why it could not, in one sentence; trying again would not help. */
  Optional<String> failureSentence();
}
