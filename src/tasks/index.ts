/**
 * Tasks: from examples to a saved model. For now the contract that they follow.
 *
 * @module stmnet/tasks
 */
export type { Examples, Task, TaskClass, TaskFitOptions } from './task';
