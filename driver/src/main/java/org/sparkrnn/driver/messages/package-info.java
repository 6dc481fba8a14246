/** What Spark moves between driver and executors, each class with its own codec. */
@NullMarked
package org.sparkrnn.driver.messages;

import org.jspecify.annotations.NullMarked;
