"""Typed async SDK for SageMaker edge deployment plans and training plan extensions."""
