/** What a round will cost, told before the first one: the model of docs/scaling.md. */
@NullMarked
package org.sparkrnn.driver.cost;

import org.jspecify.annotations.NullMarked;
